//! A slab whose keys outlive their entries safely.

use std::fmt;

/// Names an entry: a place and which of its tenants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    index: u32,
    tenant: u32,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.index, self.tenant)
    }
}

struct Place<T> {
    tenant: u32,
    value: Option<T>,
}

/// Entries in one block of memory; a removed entry's key finds nothing, even after its place is let again.
pub struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Slab { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    /// Lets a place.
    ///
    /// # Panics
    /// Beyond 2^32 entries, which no machine of ours holds.
    pub fn insert(&mut self, value: T) -> Key {
        if let Some(index) = self.free.pop() {
            let place = &mut self.places[index as usize];
            place.value = Some(value);
            return Key { index, tenant: place.tenant };
        }
        let index = u32::try_from(self.places.len()).expect("fewer than 2^32 entries");
        self.places.push(Place { tenant: 0, value: Some(value) });
        Key { index, tenant: 0 }
    }

    /// Returns the entry, if it still lives.
    pub fn at(&self, key: Key) -> Option<&T> {
        self.places.get(key.index as usize).filter(|place| place.tenant == key.tenant)?.value.as_ref()
    }

    /// Returns the entry for change, if it still lives.
    pub fn at_mut(&mut self, key: Key) -> Option<&mut T> {
        self.places.get_mut(key.index as usize).filter(|place| place.tenant == key.tenant)?.value.as_mut()
    }

    /// Takes the entry out.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let value = self.at_place(key)?.take()?;
        self.let_go(key);
        Some(value)
    }

    /// Drops the entry where it is.
    pub fn discard(&mut self, key: Key) {
        let Some(value @ Some(_)) = self.at_place(key) else { return };
        *value = None;
        self.let_go(key);
    }

    fn at_place(&mut self, key: Key) -> Option<&mut Option<T>> {
        self.places.get_mut(key.index as usize).filter(|place| place.tenant == key.tenant).map(|place| &mut place.value)
    }

    fn let_go(&mut self, key: Key) {
        if let Some(place) = self.places.get_mut(key.index as usize) {
            place.tenant = place.tenant.wrapping_add(1);
            self.free.push(key.index);
        }
    }

    /// Walks over the living entries.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.places.iter().zip(0u32..).filter_map(|(place, index)| Some((Key { index, tenant: place.tenant }, place.value.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_entry_is_not_found_in_its_successor() {
        let mut slab = Slab::default();
        let first = slab.insert("a");
        assert_eq!(slab.remove(first), Some("a"));
        let second = slab.insert("b");
        assert_eq!(first.index, second.index);
        assert_eq!(slab.at(first), None);
        assert_eq!(slab.at(second), Some(&"b"));
        assert_eq!(slab.iter().count(), 1);
        slab.discard(first);
        assert_eq!(slab.at(second), Some(&"b"), "it is not theirs");
        slab.discard(second);
        slab.discard(second);
        let (third, fourth) = (slab.insert("c"), slab.insert("d"));
        assert_eq!((slab.at(second), slab.at(third), slab.at(fourth)), (None, Some(&"c"), Some(&"d")));
    }
}
