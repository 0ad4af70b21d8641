//! What resolv.conf(5), nsswitch.conf(5) and host.conf(5) say about the resolving of names.
//!
//! The files are read for every lookup, so a change counts at once. The name servers are not theirs to say: MATNET_DNS
//! names them. Of nsswitch.conf the services `files` and `dns` of the line `hosts` count, in their order and with their
//! actions; every other service (mdns, resolve, myhostname) would leave the program's own network and is passed over. LOCALDOMAIN
//! and RES_OPTIONS of the environment win over resolv.conf. Limit: `sortlist`, `inet6` and HOSTALIASES are without effect.

use std::time::Duration;

use super::files::{self, words};

/// Bounds of the options (RES_MAXNDOTS, RES_MAXRETRANS, RES_MAXRETRY in <resolv.h>).
const MAX_NDOTS: u32 = 15;
const MAX_TIMEOUT: u32 = 30;
const MAX_ATTEMPTS: u32 = 5;

/// How names are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conf {
    /// Domains that a name is looked for in.
    pub search: Vec<String>,
    /// A name with so many dots is asked for as it is first.
    pub ndots: u32,
    /// For the first try of the first server.
    pub timeout: Duration,
    /// Times that each server is asked.
    pub attempts: u32,
    /// Another server is the first each time.
    pub rotate: bool,
    /// TCP from the start.
    pub use_vc: bool,
    /// Answers over UDP may be larger (RFC 6891).
    pub edns0: bool,
    /// Say that the AD bit is wanted.
    pub trust_ad: bool,
    /// A name without a dot is not asked for as it is.
    pub no_tld_query: bool,
    /// No questions for AAAA.
    pub no_aaaa: bool,
}

impl Default for Conf {
    fn default() -> Conf {
        Conf {
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_vc: false,
            edns0: false,
            trust_ad: false,
            no_tld_query: false,
            no_aaaa: false,
        }
    }
}

impl Conf {
    /// Reads the file and the environment.
    pub fn load() -> Conf {
        let text = files::read(c"/etc/resolv.conf").unwrap_or_default();
        let secure = crate::runtime::environ::is_secure();
        let var = |name: &str| std::env::var(name).ok().filter(|_| !secure);
        Conf::parse(&text, var("LOCALDOMAIN").as_deref(), var("RES_OPTIONS").as_deref(), &files::host_name())
    }

    /// As resolv.conf(5) has it; `local` is LOCALDOMAIN, `options` RES_OPTIONS, `host` this host's name.
    pub(super) fn parse(text: &str, local: Option<&str>, options: Option<&str>, host: &str) -> Conf {
        let mut conf = Conf::default();
        let mut search: Option<Vec<String>> = None;
        for line in text.lines().filter(|l| !l.starts_with([';', '#'])) {
            let Some((key, rest)) = line.split_once([' ', '\t']) else { continue };
            let mut values = words(rest).peekable();
            match key {
                _ if values.peek().is_none() => {}
                "domain" => search = values.next().map(|d| vec![d.to_owned()]),
                "search" => search = Some(values.map(str::to_owned).collect()),
                "options" => values.for_each(|o| conf.option(o)),
                _ => {}
            }
        }
        if let Some(local) = local {
            search = Some(words(local.lines().next().unwrap_or("")).map(str::to_owned).collect());
        }
        conf.search = search.unwrap_or_else(|| {
            host.split_once('.')
                .map(|(_, domain)| domain.to_owned())
                .filter(|d| !d.is_empty())
                .into_iter()
                .collect()
        });
        words(options.unwrap_or("")).for_each(|o| conf.option(o));
        conf
    }

    fn option(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        // atoi: what is not a number is 0.
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = value.get(..digits).and_then(|d| d.parse().ok()).unwrap_or(0);
        match name {
            "ndots" => self.ndots = number.min(MAX_NDOTS),
            "timeout" => self.timeout = Duration::from_secs(number.min(MAX_TIMEOUT).into()),
            "attempts" => self.attempts = number.min(MAX_ATTEMPTS),
            "rotate" => self.rotate = true,
            "use-vc" => self.use_vc = true,
            "edns0" => self.edns0 = true,
            "trust-ad" => self.trust_ad = true,
            "no-tld-query" => self.no_tld_query = true,
            "no-aaaa" => self.no_aaaa = true,
            _ => {}
        }
    }
}

/// Where names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// /etc/hosts
    Files,
    /// The name servers.
    Dns,
}

/// How a service answered (nsswitch.conf(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Found.
    Success,
    /// Not found.
    NotFound,
    /// It cannot be asked.
    Unavailable,
    /// Perhaps later.
    TryAgain,
}

const STATUSES: [(&str, Status); 4] = [
    ("SUCCESS", Status::Success),
    ("NOTFOUND", Status::NotFound),
    ("UNAVAIL", Status::Unavailable),
    ("TRYAGAIN", Status::TryAgain),
];

/// A service and after which answers the search ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whom to ask.
    pub service: Service,
    ends: Vec<Status>,
}

impl Step {
    fn new(service: Service) -> Step {
        Step { service, ends: vec![Status::Success] }
    }

    /// True when `status` ends the search.
    pub fn ends(&self, status: Status) -> bool {
        self.ends.contains(&status)
    }
}

/// The order of services.
pub fn steps() -> Vec<Step> {
    parse_steps(&files::read(c"/etc/nsswitch.conf").unwrap_or_default())
}

pub(super) fn parse_steps(text: &str) -> Vec<Step> {
    let default = || vec![Step::new(Service::Files), Step::new(Service::Dns)];
    let lines = text.lines().map(|l| l.split('#').next().unwrap_or("").trim());
    let Some(line) =
        lines.filter_map(|l| l.strip_prefix("hosts")?.trim_start().strip_prefix(':')).next_back()
    else {
        return default();
    };
    let spaced = line.replace('[', " [ ").replace(']', " ] ");
    let mut steps: Vec<Step> = Vec::new();
    let (mut within, mut known) = (false, false);
    for word in words(&spaced) {
        match word {
            "[" => within = true,
            "]" => within = false,
            _ if within && known => {
                if let Some(step) = steps.last_mut() {
                    action(step, word);
                }
            }
            _ if within => {}
            "files" | "dns" => {
                known = true;
                steps.push(Step::new(if word == "files" { Service::Files } else { Service::Dns }));
            }
            _ => known = false,
        }
    }
    steps
}

/// `STATUS=return`, `!STATUS=continue` and so on.
fn action(step: &mut Step, word: &str) {
    let Some((status, action)) = word.split_once('=') else { return };
    let ends = action.eq_ignore_ascii_case("return");
    let (negated, status) = status.strip_prefix('!').map_or((false, status), |s| (true, s));
    for (name, s) in STATUSES {
        if name.eq_ignore_ascii_case(status) != negated {
            step.ends.retain(|e| *e != s);
            if ends {
                step.ends.push(s);
            }
        }
    }
}

/// `multi on` in host.conf(5): a host may have several lines in /etc/hosts.
pub fn multi() -> bool {
    let text = files::read(c"/etc/host.conf").unwrap_or_default();
    let mut lines = text.lines().map(|l| l.split('#').next().unwrap_or(""));
    lines.rfind(|l| l.trim_start().starts_with("multi")).is_some_and(|l| words(l).nth(1) == Some("on"))
}
