//! A slab whose slots carry a generation, so that the id of something freed never names its successor.
//!
//! Freed slots are reused last-in first-out (the warm one first). A slot's generation grows at each removal;
//! after 2^32 of them it wraps, which is beyond what an id can outlive. A large slab that has become empty gives its memory
//! back.

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// See the module.
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    len: usize,
    /// What new slots begin with: more than any slot had that was given back.
    generation: u32,
}

/// Slots that an empty slab keeps.
const KEEP: usize = 256;

impl<T> Slab<T> {
    pub(super) const fn new() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new(), len: 0, generation: 1 }
    }

    /// Stores `value` and names it (index, generation).
    pub(super) fn insert(&mut self, value: T) -> (u32, u32) {
        self.len += 1;
        while let Some(index) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(index as usize) {
                slot.value = Some(value);
                return (index, slot.generation);
            }
        }
        // Four billion sockets do not fit into memory, so the cast cannot cut.
        let index = self.slots.len() as u32;
        self.slots.push(Slot { generation: self.generation, value: Some(value) });
        (index, self.generation)
    }

    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)?.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize)?.value.as_mut()
    }

    /// The value, if `generation` is still the slot's.
    pub(super) fn get_gen(&self, index: u32, generation: u32) -> Option<&T> {
        let slot = self.slots.get(index as usize)?;
        if slot.generation == generation { slot.value.as_ref() } else { None }
    }

    /// As [`Slab::get_gen`], to change it.
    pub(super) fn get_gen_mut(&mut self, index: u32, generation: u32) -> Option<&mut T> {
        let slot = self.slots.get_mut(index as usize)?;
        if slot.generation == generation { slot.value.as_mut() } else { None }
    }

    /// The generation of an occupied slot.
    pub(super) fn generation(&self, index: u32) -> Option<u32> {
        let slot = self.slots.get(index as usize)?;
        slot.value.is_some().then_some(slot.generation)
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let slot = self.slots.get_mut(index as usize)?;
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index);
        self.len -= 1;
        if self.len == 0 && self.slots.len() > KEEP {
            self.give_back();
        }
        Some(value)
    }

    fn give_back(&mut self) {
        let used = self.slots.iter().map(|slot| slot.generation.wrapping_sub(self.generation)).max();
        self.generation = self.generation.wrapping_add(used.unwrap_or(0));
        self.slots = Vec::new();
        self.free = Vec::new();
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Every value with its index and generation.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32, &T)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(i, slot)| slot.value.as_ref().map(|v| (i as u32, slot.generation, v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_does_not_name_the_successor() {
        let mut slab = Slab::new();
        let (i, g) = slab.insert("a");
        assert_eq!(slab.remove(i), Some("a"));
        let (j, h) = slab.insert("b");
        assert_eq!(i, j);
        assert_ne!(g, h);
        assert!(slab.get_gen(i, g).is_none());
        assert_eq!(slab.get_gen(j, h), Some(&"b"));
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn an_empty_slab_gives_its_memory_back_and_ids_stay_void() {
        let mut slab = Slab::new();
        let old: Vec<_> = (0..1000).map(|n| slab.insert(n)).collect();
        for (i, _) in &old {
            slab.remove(*i);
        }
        assert_eq!((slab.slots.capacity(), slab.free.capacity()), (0, 0));
        for n in 0..1000 {
            slab.insert(n);
        }
        assert!(old.iter().all(|(i, g)| slab.get(*i).is_some() && slab.get_gen(*i, *g).is_none()));
    }
}
