//! Blocks: mappings whose fields are each written once.

use std::rc::Rc;

use serde_json::{Map, Value as Json, json};

use super::fields::{Fields, mapping};
use super::shape::{Found, Shape};

/// Receives the fields of a block with their values, one by one.
pub(crate) type Show<'a> = &'a mut dyn FnMut(&'static str, Json);

pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) need: Need,
    pub(crate) schema: Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
    /// Exactly one of the fields with this mark must be present.
    OneOf,
}

/// A mapping of a manifest. Made by [`block!`].
pub(crate) trait Block: Sized + 'static {
    type Draft: Default;

    fn about() -> String;

    fn draft(fields: &mut Fields<'_>) -> Self::Draft;

    /// The block with its defaults; `None` if a required field is missing.
    fn whole(draft: Self::Draft) -> Option<Self>;

    /// The block with missing fields taken from `base`.
    fn over(draft: Self::Draft, base: Self) -> Self;

    fn rows() -> Vec<Row>;

    /// Passes on the fields that affect the plan.
    fn show(&self, show: Show<'_>);

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Self::whole(Self::draft(fields))
    }

    fn schema() -> Json {
        let rows = Self::rows();
        let keys = |need| {
            let keys = rows.iter().filter(move |row| row.need == need);
            keys.map(|row| row.key).collect::<Vec<_>>()
        };
        let properties = rows
            .iter()
            .map(|row| (row.key.to_owned(), row.schema.clone()));
        let mut schema = json!({
            "description": Self::about(),
            "type": "object",
            "additionalProperties": false,
            "properties": properties.collect::<Map<_, _>>()
        });
        if let required @ [_, ..] = &*keys(Need::Required) {
            schema["required"] = json!(required);
        }
        if let choices @ [_, ..] = &*keys(Need::OneOf) {
            let required = |key| json!({ "required": [key] });
            schema["oneOf"] = choices.iter().map(required).collect();
        }
        schema
    }
}

type Find<T> = dyn Fn(&mut Fields<'_>, Need) -> Option<Found<T>>;
type Rows = dyn Fn(&str, Need) -> Vec<Row>;
type ShowMember<T> = dyn Fn(&T, Show<'_>);

/// One field of a block, or several that are read together.
pub(crate) struct Member<T> {
    need: Need,
    absent: Option<T>,
    digested: bool,
    find: Box<Find<T>>,
    rows: Box<Rows>,
    show: Box<ShowMember<T>>,
}

/// A required field, unless [`Member::or`], [`Member::optional`] or [`Member::choice`] is added.
pub(crate) fn field<T: 'static>(key: &'static str, shape: Shape<T>) -> Member<T> {
    let shape = Rc::new(shape);
    let (described, shown) = (shape.clone(), shape.clone());
    let rows = move |about: &str, need| {
        let mut schema = described.schema();
        schema["description"] = json!(about);
        vec![Row { key, need, schema }]
    };
    let find = move |fields: &mut Fields<'_>, need| {
        shape.read(match need {
            Need::Required => fields.required(key)?,
            Need::Optional | Need::OneOf => fields.optional(key)?,
        })
    };
    Member {
        need: Need::Required,
        absent: None,
        digested: true,
        find: Box::new(find),
        rows: Box::new(rows),
        show: Box::new(move |value, show| show(key, shown.show(value))),
    }
}

pub(crate) fn group<T: 'static>(
    rows: impl Fn() -> Vec<Row> + 'static,
    find: impl Fn(&mut Fields<'_>) -> Option<Found<T>> + 'static,
    show: impl Fn(&T, Show<'_>) + 'static,
) -> Member<T> {
    Member {
        need: Need::Optional,
        absent: None,
        digested: true,
        find: Box::new(move |fields, _| find(fields)),
        rows: Box::new(move |_, _| rows()),
        show: Box::new(show),
    }
}

/// Not a field of the mapping; set later.
pub(crate) fn given<T: Default + 'static>() -> Member<T> {
    group(Vec::new, |_| None, |_, _| ()).or(T::default())
}

impl<T: 'static> Member<T> {
    pub(crate) fn or(mut self, default: T) -> Self {
        self.absent = Some(default);
        self.inherited()
    }

    /// An optional field whose default comes from the base of [`Block::over`].
    pub(crate) fn inherited(mut self) -> Self {
        self.need = Need::Optional;
        self
    }

    pub(crate) fn optional(self) -> Member<Option<T>> {
        let (find, show) = (self.find, self.show);
        Member {
            need: Need::Optional,
            absent: Some(None),
            digested: self.digested,
            find: Box::new(move |fields, need| Some(find(fields, need)?.map(Some))),
            rows: self.rows,
            show: Box::new(move |value, out| value.iter().for_each(|value| show(value, out))),
        }
    }

    /// Marks one of several fields; exactly one of them must be present.
    pub(crate) fn choice(self) -> Member<Option<T>> {
        let mut choice = self.optional();
        choice.need = Need::OneOf;
        choice
    }

    /// Marks a field that does not affect the plan: it is for people, or says where things are.
    pub(crate) fn undigested(mut self) -> Self {
        self.digested = false;
        self
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
        let mut rows = (self.rows)(about, self.need);
        if let (Some(default), [row]) = (&self.absent, rows.as_mut_slice()) {
            (self.show)(default, &mut |_, value| row.schema["default"] = value);
        }
        rows
    }
}

pub(crate) fn nested<B: Block>() -> Shape<B> {
    let show = |block: &B| {
        let mut map = Map::new();
        block.show(&mut |key, value| drop(map.insert(key.into(), value)));
        Json::Object(map)
    };
    Shape::new(B::schema, |value| mapping(value, B::read)?, show)
}

/// Lets Rust infer the type from the block's field.
pub(crate) fn typed<T>(member: Member<T>) -> Member<T> {
    member
}

pub(crate) fn joined(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// Declares a block: a struct in which every field says how it is read and described.
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
/// The second struct is the draft. The optional function reports problems between several fields:
/// `fn(&PollDraft, &Fields<'_>)`. With `: Default` after the parenthesis, the block has the default of each
/// field.
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
                Self { $(
                    $field: $crate::field::typed::<$type>($member).absent().unwrap_or_default(),
                )* }
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

        // The names come from the block.
        #[allow(clippy::struct_field_names)]
        #[derive(Debug, Clone, Default)]
        pub(crate) struct $Draft {
            $( pub(crate) $field: Option<$crate::field::Found<$type>>, )*
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
                Some(Self { $(
                    $field: match draft.$field {
                        Some(found) => found.value,
                        None => $crate::field::typed::<$type>($member).absent()?,
                    },
                )* })
            }

            fn over(draft: $Draft, base: Self) -> Self {
                Self { $( $field: draft.$field.map_or(base.$field, |found| found.value), )* }
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
