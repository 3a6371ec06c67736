//! In which order the output of hosts is handed on. Pure.

/// The order of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// That of the hosts: one that is done waits for those before it.
    AsSent,
    /// As hosts finish.
    AsFinished,
}

/// One host's place in the line.
#[derive(Debug)]
enum Place<T> {
    Open,
    Ready(T),
    Closed,
}

/// Puts items that come in any order into the wanted one.
#[derive(Debug)]
pub(super) struct Line<T> {
    order: Order,
    places: Vec<Place<T>>,
    next: usize,
}

impl<T> Line<T> {
    /// With this many places.
    pub fn new(order: Order, places: usize) -> Self {
        let places = std::iter::repeat_with(|| Place::Open)
            .take(places)
            .collect();
        Self {
            order,
            places,
            next: 0,
        }
    }

    /// Fills a place, or closes it without an item. Gives what can be handed on now. A place counts once.
    pub fn put(&mut self, index: usize, item: Option<T>) -> Vec<T> {
        let Some(place @ Place::Open) = self.places.get_mut(index) else {
            return Vec::new();
        };
        *place = match item {
            Some(item) if self.order == Order::AsFinished => {
                *place = Place::Closed;
                return vec![item];
            }
            Some(item) => Place::Ready(item),
            None => Place::Closed,
        };
        let mut ready = Vec::new();
        while let Some(place) = self.places.get_mut(self.next) {
            match std::mem::replace(place, Place::Closed) {
                Place::Open => {
                    *place = Place::Open;
                    break;
                }
                Place::Ready(item) => ready.push(item),
                Place::Closed => {}
            }
            self.next += 1;
        }
        ready
    }
}
