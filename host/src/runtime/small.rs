//! A list that mostly has one entry at most, which then needs no memory of its own: the numbers of a file, the threads that sleep
//! on it. A program may have ten thousand files.

/// See the module.
#[derive(Debug)]
pub struct Small<T> {
    first: Option<T>,
    more: Option<Box<More<T>>>,
}

#[derive(Debug)]
struct More<T>(Vec<T>);

impl<T> Small<T> {
    /// Without entries.
    pub const fn new() -> Small<T> {
        Small { first: None, more: None }
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: T) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.more.get_or_insert_with(|| Box::new(More(Vec::new()))).0.push(entry);
        }
    }

    /// Removes the entries that `keep` refuses.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        if self.first.as_ref().is_some_and(|entry| !keep(entry)) {
            self.first = None;
        }
        let Some(more) = &mut self.more else { return };
        more.0.retain(keep);
        if self.first.is_none() {
            self.first = more.0.pop();
        }
        if more.0.is_empty() {
            self.more = None;
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.as_ref().map_or(0, |m| m.0.len())
    }

    /// True without entries.
    pub const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Any one of them.
    pub const fn first(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// All of them, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.more.iter().flat_map(|m| &m.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(list: &Small<u32>) -> Vec<u32> {
        let mut all: Vec<u32> = list.iter().copied().collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn behaves_as_a_set_of_entries() {
        let mut list = Small::new();
        assert!(list.is_empty() && list.first().is_none());
        for n in 0..5 {
            list.push(n);
            assert_eq!(list.len(), n as usize + 1);
        }
        list.retain(|n| *n != 0);
        assert_eq!((sorted(&list), list.is_empty()), (vec![1, 2, 3, 4], false));
        list.retain(|n| n % 2 == 0);
        assert_eq!(sorted(&list), [2, 4]);
        list.retain(|n| *n == 2);
        assert_eq!((sorted(&list), list.more.is_none()), (vec![2], true));
        list.retain(|_| false);
        assert_eq!((list.is_empty(), list.len()), (true, 0));
        list.push(7);
        assert_eq!((list.first(), list.more.is_none()), (Some(&7), true));
    }
}
