//! What the stack thread is told, beside being woken: a channel of control messages. Packets never pass through here.

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::Runtime;

/// A message to the stack thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Leave the device and the timers alone: the caller attends to them until the end of the process or [`Control::Resume`].
    StandAside,
    /// Attend again.
    Resume,
}

/// Both ends of the channel.
pub(super) struct Channel {
    sender: Sender<Control>,
    receiver: Receiver<Control>,
}

impl Default for Channel {
    fn default() -> Channel {
        let (sender, receiver) = unbounded();
        Channel { sender, receiver }
    }
}

impl Runtime {
    /// Sends a message and wakes the stack thread for it.
    pub(super) fn tell(&self, message: Control) {
        // The receiver lives as long as the runtime, so this cannot fail.
        let _ = self.control.sender.send(message);
        super::signal(self.wake_fd);
    }

    /// Whether the stack thread stands aside, after the messages that have come.
    pub(super) fn stands_aside(&self, mut aside: bool) -> bool {
        for message in self.control.receiver.try_iter() {
            aside = message == Control::StandAside;
        }
        aside
    }
}
