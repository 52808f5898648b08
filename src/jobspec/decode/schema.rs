//! How stanzas are described: their attributes and blocks, and where each goes in the API's JSON.

/// What an attribute's value must be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Bool,
    Int,
    /// With a fraction.
    Float,
    /// Go notation, or integer nanoseconds.
    Duration,
    Texts,
    /// Names to text; may be written as a block too.
    TextMap,
    /// Names to lists of text; may be written as a block too.
    TextsMap,
    /// Anything below; may be written as a block too, whose inner blocks become lists of maps.
    Config,
    OneOf(&'static [&'static str]),
}

impl Kind {
    /// Whether `name { ... }` is the same as `name = { ... }`.
    pub fn is_map(self) -> bool {
        matches!(self, Self::TextMap | Self::TextsMap | Self::Config)
    }
}

#[derive(Debug)]
pub struct Attribute {
    pub name: &'static str,
    field: Option<&'static str>,
    pub kind: Kind,
}

impl Attribute {
    /// Its name in the API's JSON.
    pub fn field(&self) -> String {
        self.field.map_or_else(|| go_name(self.name), str::to_owned)
    }
}

pub const fn attribute(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, field: None, kind }
}

/// An attribute whose JSON name cannot be derived.
pub const fn renamed(name: &'static str, field: &'static str, kind: Kind) -> Attribute {
    Attribute { name, field: Some(field), kind }
}

/// How often a block may be there, and what its label is.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// At most once: an object.
    One,
    /// Any number: a list.
    Many,
    /// Any number, with a label that goes to the given field: a list.
    Labelled(&'static str),
    /// Any number, with a label that is the key of a map, and goes to `Name` too.
    Keyed,
}

#[derive(Debug)]
pub struct Child {
    pub name: &'static str,
    pub field: &'static str,
    pub shape: Shape,
    pub stanza: &'static Stanza,
    /// Why pannier does not take it, when it does not.
    pub refused: Option<&'static str>,
}

pub const fn one(name: &'static str, field: &'static str, stanza: &'static Stanza) -> Child {
    Child { name, field, shape: Shape::One, stanza, refused: None }
}

pub const fn many(name: &'static str, field: &'static str, stanza: &'static Stanza) -> Child {
    Child { name, field, shape: Shape::Many, stanza, refused: None }
}

pub const fn labelled(name: &'static str, field: &'static str, label: &'static str, stanza: &'static Stanza) -> Child {
    Child { name, field, shape: Shape::Labelled(label), stanza, refused: None }
}

/// What a stanza needs done once its parts are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Nothing,
    /// `regexp = "..."` and the like become operand and right side.
    Comparison,
    /// Ports are divided into fixed and dynamic ones.
    Network,
    /// `cron` has its kind noted.
    Periodic,
    /// `vault` is handed down to tasks without one.
    Group,
    /// Tasks directly in the job get groups of their own.
    Job,
}

/// A kind of block.
#[derive(Debug)]
pub struct Stanza {
    pub attributes: &'static [Attribute],
    pub children: &'static [Child],
    /// Attributes that must be there.
    pub required: &'static [&'static str],
    /// Everything in it is kept as it is, blocks as lists.
    pub open: bool,
    pub finish: Finish,
}

impl Stanza {
    pub const fn of(attributes: &'static [Attribute]) -> Self {
        Self { attributes, children: &[], required: &[], open: false, finish: Finish::Nothing }
    }

    pub const fn with(mut self, children: &'static [Child]) -> Self {
        self.children = children;
        self
    }

    pub const fn requires(mut self, names: &'static [&'static str]) -> Self {
        self.required = names;
        self
    }

    pub const fn finished_by(mut self, finish: Finish) -> Self {
        self.finish = finish;
        self
    }

    pub const fn open() -> Self {
        Self { attributes: &[], children: &[], required: &[], open: true, finish: Finish::Nothing }
    }

    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub fn child(&self, name: &str) -> Option<&'static Child> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every name it knows, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.attributes.iter().map(|attribute| attribute.name).chain(self.children.iter().map(|child| child.name))
    }
}

/// `kill_timeout` as `KillTimeout`.
pub fn go_name(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        })
        .collect()
}
