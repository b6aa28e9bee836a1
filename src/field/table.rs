//! Blocks: mappings whose fields are each written once.

use serde_json::{Map, Value as Json};

use super::fields::{Fields, mapping};
use super::form::{Form, Need, Row};
use super::shape::{Found, Shape};

/// Takes the fields of a block with their values, one by one.
pub type Show<'a> = &'a mut dyn FnMut(&'static str, Json);

/// A mapping of a manifest. Made by [`block!`](crate::field::block).
pub trait Block: Sized + 'static {
    /// Each field as far as it could be read.
    type Draft: Default;

    /// What it is for.
    fn about() -> String;

    /// Reads the fields, reporting every problem.
    fn draft(fields: &mut Fields<'_>) -> Self::Draft;

    /// The block with its defaults; nothing if a field is missing that it must have.
    fn whole(draft: Self::Draft) -> Option<Self>;

    /// Its fields.
    fn rows() -> Vec<Row>;

    /// Hands out the fields that decide what is done.
    fn show(&self, show: Show<'_>);

    /// Reads the fields; nothing after a problem with one that it must have.
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Self::whole(Self::draft(fields))
    }
}

/// One field of a block, or several that are read together.
pub struct Member<T> {
    need: Need,
    absent: Option<T>,
    digested: bool,
    find: Box<dyn Fn(&mut Fields<'_>, Need) -> Option<Found<T>>>,
    rows: Box<dyn Fn(&str, Need, Option<Json>) -> Vec<Row>>,
    show: Box<dyn Fn(&T, Show<'_>)>,
}

/// A field that must be there, unless [`Member::or`], [`Member::optional`] or [`Member::choice`]
/// says otherwise.
pub fn field<T: 'static>(key: &'static str, shape: Shape<T>) -> Member<T> {
    let shape = std::rc::Rc::new(shape);
    let (described, shown) = (shape.clone(), shape.clone());
    Member {
        need: Need::Required,
        absent: None,
        digested: true,
        find: Box::new(move |fields, need| {
            shape.read(match need {
                Need::Required => fields.required(key)?,
                Need::Optional | Need::OneOf => fields.optional(key)?,
            })
        }),
        rows: Box::new(move |about, need, default| {
            vec![Row {
                key,
                about: about.to_owned(),
                need,
                default,
                form: described.form(),
            }]
        }),
        show: Box::new(move |value, show| show(key, shown.show(value))),
    }
}

/// Several fields that are read together.
pub fn group<T: 'static>(
    rows: impl Fn() -> Vec<Row> + 'static,
    find: impl Fn(&mut Fields<'_>) -> Option<Found<T>> + 'static,
    show: impl Fn(&T, Show<'_>) + 'static,
) -> Member<T> {
    Member {
        need: Need::Optional,
        absent: None,
        digested: true,
        find: Box::new(move |fields, _| find(fields)),
        rows: Box::new(move |_, _, _| rows()),
        show: Box::new(show),
    }
}

/// What is no field of the mapping and is filled in later.
pub fn given<T: Default + 'static>() -> Member<T> {
    Member {
        absent: Some(T::default()),
        ..group(Vec::new, |_| None, |_, _| ())
    }
}

impl<T: Clone + 'static> Member<T> {
    /// A field that may be absent, and what then holds.
    #[must_use]
    pub fn or(self, default: T) -> Self {
        Self {
            need: Need::Optional,
            absent: Some(default),
            ..self
        }
    }

    /// A field that may be absent.
    #[must_use]
    pub fn optional(self) -> Member<Option<T>> {
        let (find, show) = (self.find, self.show);
        Member {
            need: Need::Optional,
            absent: Some(None),
            digested: self.digested,
            find: Box::new(move |fields, need| Some(find(fields, need)?.map(Some))),
            rows: self.rows,
            show: Box::new(move |value, out| {
                if let Some(value) = value {
                    show(value, out);
                }
            }),
        }
    }

    /// One of several fields of which exactly one must be there.
    #[must_use]
    pub fn choice(self) -> Member<Option<T>> {
        Member {
            need: Need::OneOf,
            ..self.optional()
        }
    }

    /// A field that decides nothing: for people, or about where things are.
    #[must_use]
    pub fn undigested(self) -> Self {
        Self {
            digested: false,
            ..self
        }
    }

    pub(crate) fn find(&self, fields: &mut Fields<'_>) -> Option<Found<T>> {
        (self.find)(fields, self.need)
    }

    pub(crate) fn absent(self) -> Option<T> {
        self.absent
    }

    pub(crate) fn show(&self, value: &T, show: Show<'_>) {
        if self.digested {
            (self.show)(value, show);
        }
    }

    pub(crate) fn rows(&self, about: &str) -> Vec<Row> {
        let mut shown = None;
        if let Some(default) = &self.absent {
            (self.show)(default, &mut |_, value| shown = Some(value));
        }
        (self.rows)(about, self.need, shown)
    }
}

/// What is said of a block.
pub fn form_of<B: Block>() -> Form {
    Form::mapping(B::about(), B::rows())
}

/// A mapping with the fields of a block.
pub fn nested<B: Block>() -> Shape<B> {
    Shape::new(
        form_of::<B>,
        |value| mapping(value, B::read)?,
        |block| {
            let mut map = Map::new();
            block.show(&mut |key, value| drop(map.insert(key.into(), value)));
            Json::Object(map)
        },
    )
}

/// Lets a type be inferred from the field of the block.
pub(crate) fn typed<T>(member: Member<T>) -> Member<T> {
    member
}

/// The lines of a doc comment in one.
pub(crate) fn joined(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| line.trim())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Declares a block: a struct whose every field says how it is read and described.
///
/// ```text
/// block! {
///     /// What the block is for.
///     pub struct Poll(PollDraft, check_poll) {
///         /// What the field means, for rustdoc, the schema and the reference.
///         interval: Duration = field("interval", duration(MIN..=MAX)).or(DEFAULT),
///     }
/// }
/// ```
///
/// The second struct is the draft. The function, which may be left out, reports what is wrong with
/// several fields together: `fn(&PollDraft, &Fields<'_>)`.
///
/// With `: Default` behind the parenthesis, the block has a default too: that of each field.
macro_rules! block {
    (
        $(#[doc = $about:literal])*
        $(#[derive($($derive:ident),*)])?
        $vis:vis struct $Block:ident($Draft:ident $(, $check:path)?): Default {
            $( $(#[doc = $doc:literal])* $field:ident: $type:ty = $member:expr, )*
        }
    ) => {
        $crate::field::block! {
            $(#[doc = $about])*
            $(#[derive($($derive),*)])?
            $vis struct $Block($Draft $(, $check)?) {
                $( $(#[doc = $doc])* $field: $type = $member, )*
            }
        }

        impl Default for $Block {
            fn default() -> Self {
                Self {
                    $( $field: $crate::field::typed::<$type>($member).absent().unwrap_or_default(), )*
                }
            }
        }
    };
    (
        $(#[doc = $about:literal])*
        $(#[derive($($derive:ident),*)])?
        $vis:vis struct $Block:ident($Draft:ident $(, $check:path)?) {
            $( $(#[doc = $doc:literal])* $field:ident: $type:ty = $member:expr, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, $($($derive),*)?)]
        $vis struct $Block {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        /// Each field as far as it could be read.
        #[derive(Debug, Clone, Default)]
        $vis struct $Draft {
            $( $(#[doc = $doc])* pub $field: Option<$crate::field::Found<$type>>, )*
        }

        impl $crate::field::Block for $Block {
            type Draft = $Draft;

            fn about() -> String {
                $crate::field::joined(&[$($about),*])
            }

            fn draft(fields: &mut $crate::field::Fields<'_>) -> $Draft {
                let draft = $Draft {
                    $( $field: $crate::field::typed::<$type>($member).find(fields), )*
                };
                $( $check(&draft, fields); )?
                draft
            }

            fn whole(draft: $Draft) -> Option<Self> {
                Some(Self {
                    $( $field: match draft.$field {
                        Some(found) => found.value,
                        None => $crate::field::typed::<$type>($member).absent()?,
                    }, )*
                })
            }

            fn rows() -> Vec<$crate::field::Row> {
                let mut rows = Vec::new();
                $( rows.extend($crate::field::typed::<$type>($member).rows(
                    &$crate::field::joined(&[$($doc),*])
                )); )*
                rows
            }

            fn show(&self, show: $crate::field::Show<'_>) {
                $( $crate::field::typed::<$type>($member).show(&self.$field, show); )*
            }
        }
    };
}
pub(crate) use block;
