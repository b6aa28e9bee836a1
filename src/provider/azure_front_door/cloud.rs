//! The hosts of each cloud `[D]`.

use crate::word_enum::word_enum;

word_enum! {
    pub enum Cloud {
        Global = "global",
        China = "china",
        UsGov = "usGov",
    }
}

impl Cloud {
    pub(super) const fn arm_host(self) -> &'static str {
        match self {
            Self::Global => "management.azure.com",
            Self::China => "management.chinacloudapi.cn",
            Self::UsGov => "management.usgovcloudapi.net",
        }
    }

    pub(super) const fn login_host(self) -> &'static str {
        match self {
            Self::Global => "login.microsoftonline.com",
            Self::China => "login.partner.microsoftonline.cn",
            Self::UsGov => "login.microsoftonline.us",
        }
    }

    /// `aud` of GitHub's tokens.
    pub(super) const fn github_audience(self) -> &'static str {
        match self {
            Self::Global => "api://AzureADTokenExchange",
            Self::China => "api://AzureADTokenExchangeChina",
            Self::UsGov => "api://AzureADTokenExchangeUSGov",
        }
    }
}
