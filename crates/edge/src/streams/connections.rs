use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use ua::{Dial, Flow};

use super::lane::{Item, Lane};
use super::thread::Opener;

/// A shard's connections.
pub(crate) struct Connections {
    opener: Opener,
    lanes: HashMap<Flow, Arc<Lane>>,
}

impl Connections {
    pub(crate) fn new(opener: Opener) -> Self {
        Connections { opener, lanes: HashMap::new() }
    }

    /// Begins to open one; what becomes of it comes to the shard's inbox.
    pub(crate) fn open(&mut self, dial: Dial) {
        // A name is never used twice.
        if let Entry::Vacant(place) = self.lanes.entry(dial.flow) {
            let lane = Arc::new(Lane::new());
            place.insert(Arc::clone(&lane));
            self.opener.open(dial, lane);
        }
    }

    /// Sends a whole message; tells whether the connection is there. One that has ended takes nothing: that it has is being told.
    pub(crate) fn send(&self, flow: Flow, bytes: &[u8]) -> bool {
        let lane = self.lanes.get(&flow);
        lane.inspect(|lane| lane.push(Item::Message(bytes.to_vec()))).is_some()
    }

    /// Sends a keep-alive.
    pub(crate) fn ping(&self, flow: Flow) {
        if let Some(lane) = self.lanes.get(&flow) {
            lane.push(Item::Ping);
        }
    }

    /// Ends one, once what waits is sent. Nothing is told of it any more.
    pub(crate) fn close(&mut self, flow: Flow) {
        if let Some(lane) = self.lanes.remove(&flow) {
            lane.close();
        }
    }

    /// Tells whether the endpoint still wants to hear of it.
    pub(crate) fn has(&self, flow: Flow) -> bool {
        self.lanes.contains_key(&flow)
    }

    /// It has ended; tells whether the endpoint wants to hear of it.
    pub(crate) fn ended(&mut self, flow: Flow) -> bool {
        self.lanes.remove(&flow).is_some()
    }
}

/// A shard that stops closes what it has, in order.
impl Drop for Connections {
    fn drop(&mut self) {
        self.lanes.values().for_each(|lane| lane.close());
    }
}
