//! Whole messages for programs that read them themselves: res_query(3) and kin.

use super::conf::Conf;
use super::lookup::{self, Fail};
use super::transport;
use crate::errno::Errno;

/// The last answer of a server, if there was one, and whether it has records.
pub type Reply = (Option<Vec<u8>>, Result<(), Fail>);

/// res_query: one question, as it is.
pub fn query(name: &[u8], class: u16, rtype: u16) -> Reply {
    let conf = Conf::load();
    let mut last = None;
    let result = ask(name, class, rtype, &conf, &mut last);
    (last, result)
}

/// res_search: the question in the domains of the search list.
pub fn search(name: &[u8], class: u16, rtype: u16) -> Reply {
    let conf = Conf::load();
    let mut last = None;
    let result = lookup::search_with(name, &conf, &mut |full| ask(full, class, rtype, &conf, &mut last));
    (last, result)
}

fn ask(name: &[u8], class: u16, rtype: u16, conf: &Conf, last: &mut Option<Vec<u8>>) -> Result<(), Fail> {
    let answers = lookup::ask(name, &[rtype], class, conf)?;
    let result = lookup::judge(&answers);
    *last = answers.into_iter().flatten().next();
    result
}

/// res_send: the program's own message.
pub fn send(message: &[u8]) -> Result<Vec<u8>, Errno> {
    let answers = transport::exchange(&[message], &Conf::load())?;
    answers.into_iter().flatten().next().ok_or(Errno::ETIMEDOUT)
}
