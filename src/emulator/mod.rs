//! A strict local CDN API over real HTTP, with a small caching edge; a library for tests and a command.
