//! Small forms of what is mostly empty. A row of which there are a million must not hold 24 bytes for each list that it might have had.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that is usually empty, and costs a pointer then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<T>(
    /// Never empty.
    #[allow(clippy::box_collection, reason = "a boxed slice would take twice the room in the row")]
    Option<Box<Vec<T>>>,
);

impl<T> Few<T> {
    pub fn push(&mut self, item: T) {
        self.0.get_or_insert_default().push(item);
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Self {
        Self((!items.is_empty()).then(|| Box::new(items)))
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for Few<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.deref().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

/// A value that is usually its default, and costs a pointer then. Read like the value itself; written through [`DerefMut`].
#[derive(Clone, Debug, Default)]
pub struct Seldom<T>(Option<Box<T>>);

/// A default that can be lent for ever.
pub trait Blank: Default + PartialEq + 'static {
    fn blank() -> &'static Self;
}

impl<T: Blank> From<T> for Seldom<T> {
    fn from(value: T) -> Self {
        Self((value != *T::blank()).then(|| Box::new(value)))
    }
}

impl<T: Blank> Deref for Seldom<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::blank())
    }
}

impl<T: Blank> DerefMut for Seldom<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

/// Whether room was made for it or not makes no difference.
impl<T: Blank> PartialEq for Seldom<T> {
    fn eq(&self, other: &Self) -> bool {
        self.deref() == other.deref()
    }
}

impl<T: Blank + Serialize> Serialize for Seldom<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.deref().serialize(serializer)
    }
}

impl<'de, T: Blank + Deserialize<'de>> Deserialize<'de> for Seldom<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AllocId;
    use crate::model::allocation::History;

    #[test]
    fn nothing_costs_a_pointer_and_equals_nothing() {
        assert_eq!((size_of::<Few<u128>>(), size_of::<Seldom<History>>()), (8, 8));
        let mut few: Few<u16> = Vec::new().into();
        assert_eq!(few, Few::default());
        few.push(7);
        assert_eq!(few.iter().collect::<Vec<_>>(), [&7]);

        let mut history = Seldom::<History>::default();
        assert_eq!(history.next, None);
        history.next = Some(AllocId(1));
        assert_ne!(history, Seldom::default());
        history.next = None;
        assert_eq!(history, Seldom::default(), "what became blank again is blank");
    }
}
