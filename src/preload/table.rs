//! The hook table: one line a symbol.
//!
//! `class symbol = group::body(arguments) -> result, calls[...] x86[...];`
//!
//! | class | the exported function |
//! | --- | --- |
//! | gate | looks at its first argument, a descriptor: the real function unless it is special, else the body |
//! | talk | as gate, for calls that move messages: a netlink socket that is listened to goes to the body of the same name in `netlink` |
//! | own | the body, which decides for itself |
//! | make | the real function, then the body with what it made |
//! | bare | written in its group, in assembly; here for the real one and the list |
//!
//! `calls` are the system calls with the same arguments, `x86` those that only x86-64 has: `syscall()` with one of
//! these numbers goes the same way (`gate`, `talk` and `make` keep the raw call where the descriptor is the kernel's). From a line come the
//! exported function, the real one (`real::symbol`), the arm of `syscall()`, and the list that scripts/check_hooks.sh compares
//! with the library's exports.
//!
//! What takes or makes a descriptor and is not here has its reason in `exceptions.txt`. Not here either: sigignore
//! (installs no handler); gethostent and kin (files only), res_mkquery and
//! dn_expand and kin (ask nobody), freeaddrinfo, freeifaddrs, if_freenameindex (what is returned is built as libc builds it).

use libc::{
    DIR, FILE, addrinfo, c_char, c_int, c_long, c_uchar, c_uint, c_ulong, c_void, clockid_t, epoll_event,
    fd_set, hostent, ifaddrs, iovec, mmsghdr, mode_t, msghdr, nfds_t, off_t, off64_t, pid_t, pollfd, rlimit,
    sigaction, sighandler_t, sigset_t, size_t, sockaddr, socklen_t, ssize_t, timespec, timeval,
};
use matnet_host::runtime::fdtable::{self, Carrier};

use libc::{in_addr, sa_family_t, sockaddr_in, sockaddr_storage, stat, statx};

use super::dprintf::VaList;
use super::{behind, create, data, dprintf, fds, limits, misc, names, netlink, process, readiness, signals};

macro_rules! hooks {
    ($then:ident) => { $then! {
        // create
        own socket = create::socket(domain: c_int, ty: c_int, protocol: c_int) -> c_int, calls[SYS_socket] x86[];
        own socketpair = create::socketpair(domain: c_int, ty: c_int, protocol: c_int, pair: *mut c_int) -> c_int, calls[SYS_socketpair] x86[];
        gate connect = create::connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int, calls[SYS_connect] x86[];
        gate __connect = create::connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int, calls[] x86[];
        gate bind = create::bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int, calls[SYS_bind] x86[];
        gate listen = create::listen(fd: c_int, backlog: c_int) -> c_int, calls[SYS_listen] x86[];
        own accept = create::accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int, calls[SYS_accept] x86[];
        own accept4 = create::accept4(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int, calls[SYS_accept4] x86[];
        gate shutdown = create::shutdown(fd: c_int, how: c_int) -> c_int, calls[SYS_shutdown] x86[];
        gate getsockname = create::getsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int, calls[SYS_getsockname] x86[];
        gate getpeername = create::getpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int, calls[SYS_getpeername] x86[];
        gate getsockopt = create::getsockopt(fd: c_int, level: c_int, option: c_int, value: *mut c_void, len: *mut socklen_t) -> c_int, calls[SYS_getsockopt] x86[];
        gate setsockopt = create::setsockopt(fd: c_int, level: c_int, option: c_int, value: *const c_void, len: socklen_t) -> c_int, calls[SYS_setsockopt] x86[];

        // data
        talk read = data::read(fd: c_int, buf: *mut c_void, n: size_t) -> ssize_t, calls[SYS_read] x86[];
        talk __read = data::read(fd: c_int, buf: *mut c_void, n: size_t) -> ssize_t, calls[] x86[];
        talk write = data::write(fd: c_int, buf: *const c_void, n: size_t) -> ssize_t, calls[SYS_write] x86[];
        talk __write = data::write(fd: c_int, buf: *const c_void, n: size_t) -> ssize_t, calls[] x86[];
        talk readv = data::readv(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t, calls[SYS_readv] x86[];
        talk writev = data::writev(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t, calls[SYS_writev] x86[];
        gate preadv2 = data::preadv2(fd: c_int, iov: *const iovec, n: c_int, offset: off64_t, flags: c_int) -> ssize_t, calls[] x86[];
        gate preadv64v2 = data::preadv2(fd: c_int, iov: *const iovec, n: c_int, offset: off64_t, flags: c_int) -> ssize_t, calls[] x86[];
        gate pwritev2 = data::pwritev2(fd: c_int, iov: *const iovec, n: c_int, offset: off64_t, flags: c_int) -> ssize_t, calls[] x86[];
        gate pwritev64v2 = data::pwritev2(fd: c_int, iov: *const iovec, n: c_int, offset: off64_t, flags: c_int) -> ssize_t, calls[] x86[];
        talk send = data::send(fd: c_int, buf: *const c_void, n: size_t, flags: c_int) -> ssize_t, calls[] x86[];
        talk __send = data::send(fd: c_int, buf: *const c_void, n: size_t, flags: c_int) -> ssize_t, calls[] x86[];
        talk sendto = data::sendto(fd: c_int, buf: *const c_void, n: size_t, flags: c_int, addr: *const sockaddr, len: socklen_t) -> ssize_t, calls[SYS_sendto] x86[];
        talk sendmsg = data::sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t, calls[SYS_sendmsg] x86[];
        talk sendmmsg = data::sendmmsg(fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int) -> c_int, calls[SYS_sendmmsg] x86[];
        talk recv = data::recv(fd: c_int, buf: *mut c_void, n: size_t, flags: c_int) -> ssize_t, calls[] x86[];
        talk recvfrom = data::recvfrom(fd: c_int, buf: *mut c_void, n: size_t, flags: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> ssize_t, calls[SYS_recvfrom] x86[];
        own recvmsg = data::recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t, calls[SYS_recvmsg] x86[];
        talk recvmmsg = data::recvmmsg(fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int, timeout: *mut timespec) -> c_int, calls[SYS_recvmmsg] x86[];
        own sendfile = data::sendfile(out: c_int, from: c_int, offset: *mut off_t, n: size_t) -> ssize_t, calls[SYS_sendfile] x86[];
        own sendfile64 = data::sendfile(out: c_int, from: c_int, offset: *mut off64_t, n: size_t) -> ssize_t, calls[] x86[];
        own splice = data::splice(from: c_int, from_offset: *mut off64_t, to: c_int, to_offset: *mut off64_t, n: size_t, flags: c_uint) -> ssize_t, calls[SYS_splice] x86[];
        own __read_chk = data::read_chk(fd: c_int, buf: *mut c_void, n: size_t, room: size_t) -> ssize_t, calls[] x86[];
        own __recv_chk = data::recv_chk(fd: c_int, buf: *mut c_void, n: size_t, room: size_t, flags: c_int) -> ssize_t, calls[] x86[];
        own __recvfrom_chk = data::recvfrom_chk(fd: c_int, buf: *mut c_void, n: size_t, room: size_t, flags: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> ssize_t, calls[] x86[];

        // readiness
        own poll = readiness::poll(fds: *mut pollfd, n: nfds_t, timeout: c_int) -> c_int, calls[] x86[SYS_poll];
        own __poll = readiness::poll(fds: *mut pollfd, n: nfds_t, timeout: c_int) -> c_int, calls[] x86[];
        own ppoll = readiness::ppoll(fds: *mut pollfd, n: nfds_t, time: *const timespec, mask: *const sigset_t) -> c_int, calls[] x86[];
        own __poll_chk = readiness::poll_chk(fds: *mut pollfd, n: nfds_t, timeout: c_int, room: size_t) -> c_int, calls[] x86[];
        own __ppoll_chk = readiness::ppoll_chk(fds: *mut pollfd, n: nfds_t, time: *const timespec, mask: *const sigset_t, room: size_t) -> c_int, calls[] x86[];
        own select = readiness::select(n: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, time: *mut timeval) -> c_int, calls[] x86[SYS_select];
        own __select = readiness::select(n: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, time: *mut timeval) -> c_int, calls[] x86[];
        own pselect = readiness::pselect(n: c_int, read: *mut fd_set, write: *mut fd_set, except: *mut fd_set, time: *const timespec, mask: *const sigset_t) -> c_int, calls[] x86[];
        own epoll_ctl = readiness::epoll_ctl(set: c_int, op: c_int, fd: c_int, event: *mut epoll_event) -> c_int, calls[SYS_epoll_ctl] x86[];
        own epoll_create = readiness::epoll_create(size: c_int) -> c_int, calls[] x86[SYS_epoll_create];
        own epoll_create1 = readiness::epoll_create1(flags: c_int) -> c_int, calls[SYS_epoll_create1] x86[];
        own epoll_wait = readiness::epoll_wait(set: c_int, events: *mut epoll_event, room: c_int, timeout: c_int) -> c_int, calls[] x86[SYS_epoll_wait];
        own epoll_pwait = readiness::epoll_pwait(set: c_int, events: *mut epoll_event, room: c_int, timeout: c_int, mask: *const sigset_t) -> c_int, calls[] x86[];
        own epoll_pwait2 = readiness::epoll_pwait2(set: c_int, events: *mut epoll_event, room: c_int, time: *const timespec, mask: *const sigset_t) -> c_int, calls[] x86[];

        // fds: ours as well
        own close = fds::close(fd: c_int) -> c_int, calls[SYS_close] x86[];
        own __close = fds::close(fd: c_int) -> c_int, calls[] x86[];
        own dup = fds::dup(fd: c_int) -> c_int, calls[SYS_dup] x86[];
        own dup2 = fds::dup2(old: c_int, new: c_int) -> c_int, calls[] x86[SYS_dup2];
        own __dup2 = fds::dup2(old: c_int, new: c_int) -> c_int, calls[] x86[];
        own dup3 = fds::dup3(old: c_int, new: c_int, flags: c_int) -> c_int, calls[SYS_dup3] x86[];
        own fcntl = fds::fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int, calls[SYS_fcntl] x86[];
        own fcntl64 = fds::fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int, calls[] x86[];
        own __fcntl = fds::fcntl(fd: c_int, cmd: c_int, arg: c_ulong) -> c_int, calls[] x86[];
        gate ioctl = fds::ioctl(fd: c_int, request: c_ulong, arg: *mut c_void) -> c_int, calls[SYS_ioctl] x86[];
        gate sockatmark = fds::sockatmark(fd: c_int) -> c_int, calls[] x86[];
        own close_range = fds::close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int, calls[SYS_close_range] x86[];
        own closefrom = fds::closefrom(lowest: c_int) -> (), calls[] x86[];
        own fclose = fds::fclose(stream: *mut FILE) -> c_int, calls[] x86[];
        own freopen = fds::freopen(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE, calls[] x86[];
        own freopen64 = fds::freopen64(path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE, calls[] x86[];
        gate fstat = fds::fstat(fd: c_int, buf: *mut stat) -> c_int, calls[SYS_fstat] x86[];
        gate fstat64 = fds::fstat(fd: c_int, buf: *mut stat) -> c_int, calls[] x86[];
        own __fxstat = fds::fxstat(version: c_int, fd: c_int, buf: *mut stat) -> c_int, calls[] x86[];
        own __fxstat64 = fds::fxstat(version: c_int, fd: c_int, buf: *mut stat) -> c_int, calls[] x86[];
        own fstatat = fds::fstatat(dir: c_int, path: *const c_char, buf: *mut stat, flags: c_int) -> c_int, calls[SYS_newfstatat] x86[];
        own fstatat64 = fds::fstatat(dir: c_int, path: *const c_char, buf: *mut stat, flags: c_int) -> c_int, calls[] x86[];
        own statx = fds::statx(dir: c_int, path: *const c_char, flags: c_int, mask: c_uint, buf: *mut statx) -> c_int, calls[SYS_statx] x86[];
        own fdopen = fds::fdopen(fd: c_int, mode: *const c_char) -> *mut FILE, calls[] x86[];
        bare dprintf = dprintf::dprintf() -> c_int, calls[] x86[];
        bare __dprintf_chk = dprintf::__dprintf_chk() -> c_int, calls[] x86[];
        own vdprintf = dprintf::vdprintf(fd: c_int, format: *const c_char, args: VaList) -> c_int, calls[] x86[];
        own __vdprintf_chk = dprintf::vdprintf_chk(fd: c_int, flag: c_int, format: *const c_char, args: VaList) -> c_int, calls[] x86[];

        // fds: the kernel's, made
        make open = fds::made(path: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[] x86[SYS_open];
        make open64 = fds::made(path: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[] x86[];
        make __open = fds::made(path: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[] x86[];
        make __open64 = fds::made(path: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[] x86[];
        make __open_2 = fds::made(path: *const c_char, flags: c_int) -> c_int, calls[] x86[];
        make __open64_2 = fds::made(path: *const c_char, flags: c_int) -> c_int, calls[] x86[];
        make openat = fds::made(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[SYS_openat] x86[];
        make openat64 = fds::made(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[] x86[];
        make __openat_2 = fds::made(dir: c_int, path: *const c_char, flags: c_int) -> c_int, calls[] x86[];
        make __openat64_2 = fds::made(dir: c_int, path: *const c_char, flags: c_int) -> c_int, calls[] x86[];
        make creat = fds::made(path: *const c_char, mode: mode_t) -> c_int, calls[] x86[SYS_creat];
        make creat64 = fds::made(path: *const c_char, mode: mode_t) -> c_int, calls[] x86[];
        make mkstemp = fds::made(path: *mut c_char) -> c_int, calls[] x86[];
        make mkstemp64 = fds::made(path: *mut c_char) -> c_int, calls[] x86[];
        make mkostemp = fds::made(path: *mut c_char, flags: c_int) -> c_int, calls[] x86[];
        make mkostemp64 = fds::made(path: *mut c_char, flags: c_int) -> c_int, calls[] x86[];
        make mkstemps = fds::made(path: *mut c_char, tail: c_int) -> c_int, calls[] x86[];
        make mkstemps64 = fds::made(path: *mut c_char, tail: c_int) -> c_int, calls[] x86[];
        make mkostemps = fds::made(path: *mut c_char, tail: c_int, flags: c_int) -> c_int, calls[] x86[];
        make mkostemps64 = fds::made(path: *mut c_char, tail: c_int, flags: c_int) -> c_int, calls[] x86[];
        own pipe = misc::pipe(pair: *mut c_int) -> c_int, calls[] x86[SYS_pipe];
        own __pipe = misc::pipe(pair: *mut c_int) -> c_int, calls[] x86[];
        own pipe2 = misc::pipe2(pair: *mut c_int, flags: c_int) -> c_int, calls[SYS_pipe2] x86[];
        make eventfd = fds::made(count: c_uint, flags: c_int) -> c_int, calls[SYS_eventfd2] x86[SYS_eventfd];
        make timerfd_create = fds::made(clock: clockid_t, flags: c_int) -> c_int, calls[SYS_timerfd_create] x86[];
        make signalfd = fds::made(fd: c_int, mask: *const sigset_t, flags: c_int) -> c_int, calls[SYS_signalfd4] x86[SYS_signalfd];
        make inotify_init = fds::made() -> c_int, calls[] x86[SYS_inotify_init];
        make inotify_init1 = fds::made(flags: c_int) -> c_int, calls[SYS_inotify_init1] x86[];
        make fanotify_init = fds::made(flags: c_uint, event_flags: c_uint) -> c_int, calls[SYS_fanotify_init] x86[];
        make memfd_create = fds::made(name: *const c_char, flags: c_uint) -> c_int, calls[SYS_memfd_create] x86[];
        make pidfd_open = fds::made(pid: pid_t, flags: c_uint) -> c_int, calls[SYS_pidfd_open] x86[];
        make pidfd_getfd = fds::made(pidfd: c_int, target: c_int, flags: c_uint) -> c_int, calls[SYS_pidfd_getfd] x86[];
        make posix_openpt = fds::made(flags: c_int) -> c_int, calls[] x86[];
        make shm_open = fds::made(name: *const c_char, flags: c_int, mode: mode_t) -> c_int, calls[] x86[];
        make fopen = fds::made_stream(path: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        make fopen64 = fds::made_stream(path: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        make tmpfile = fds::made_stream() -> *mut FILE, calls[] x86[];
        make tmpfile64 = fds::made_stream() -> *mut FILE, calls[] x86[];
        make popen = fds::made_stream(command: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        make opendir = fds::made_dir(path: *const c_char) -> *mut DIR, calls[] x86[];

        make getpt = fds::made() -> c_int, calls[] x86[];
        make mq_open = fds::made(name: *const c_char, flags: c_int, mode: mode_t, attributes: *mut c_void) -> c_int, calls[SYS_mq_open] x86[];
        make __mq_open_2 = fds::made(name: *const c_char, flags: c_int) -> c_int, calls[] x86[];
        make open_by_handle_at = fds::made(mount: c_int, handle: *mut c_void, flags: c_int) -> c_int, calls[SYS_open_by_handle_at] x86[];
        make open_tree = fds::made(dir: c_int, path: *const c_char, flags: c_uint) -> c_int, calls[SYS_open_tree] x86[];
        make fsopen = fds::made(name: *const c_char, flags: c_uint) -> c_int, calls[SYS_fsopen] x86[];
        make fspick = fds::made(dir: c_int, path: *const c_char, flags: c_uint) -> c_int, calls[SYS_fspick] x86[];
        make fsmount = fds::made(fd: c_int, flags: c_uint, attributes: c_uint) -> c_int, calls[SYS_fsmount] x86[];
        make fdopendir = fds::made_dir(fd: c_int) -> *mut DIR, calls[] x86[];
        make setmntent = fds::made_stream(path: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        make __setmntent = fds::made_stream(path: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        make _IO_fopen = fds::made_stream(path: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        make _IO_popen = fds::made_stream(command: *const c_char, mode: *const c_char) -> *mut FILE, calls[] x86[];
        own _IO_fdopen = fds::fdopen(fd: c_int, mode: *const c_char) -> *mut FILE, calls[] x86[];
        own _IO_fclose = fds::fclose(stream: *mut FILE) -> c_int, calls[] x86[];
        own endmntent = fds::endmntent(stream: *mut FILE) -> c_int, calls[] x86[];
        own __endmntent = fds::endmntent(stream: *mut FILE) -> c_int, calls[] x86[];

        // behind our backs: libc makes these out of calls that pass no hook
        own pclose = behind::pclose(stream: *mut FILE) -> c_int, calls[] x86[];
        own closedir = behind::closedir(dir: *mut DIR) -> c_int, calls[] x86[];
        own daemon = behind::daemon(stay: c_int, keep: c_int) -> c_int, calls[] x86[];
        own login_tty = behind::login_tty(fd: c_int) -> c_int, calls[] x86[];
        own forkpty = behind::forkpty(main: *mut c_int, name: *mut c_char, modes: *const c_void, size: *const c_void) -> pid_t, calls[] x86[];
        own openpty = behind::openpty(main: *mut c_int, sub: *mut c_int, name: *mut c_char, modes: *const c_void, size: *const c_void) -> c_int, calls[] x86[];
        own backtrace_symbols_fd = behind::backtrace_symbols_fd(addresses: *const *mut c_void, n: c_int, fd: c_int) -> (), calls[] x86[];
        own __backtrace_symbols_fd = behind::backtrace_symbols_fd(addresses: *const *mut c_void, n: c_int, fd: c_int) -> (), calls[] x86[];
        own aio_read = behind::aio_read(request: *mut c_int) -> c_int, calls[] x86[];
        own aio_read64 = behind::aio_read(request: *mut c_int) -> c_int, calls[] x86[];
        own aio_write = behind::aio_write(request: *mut c_int) -> c_int, calls[] x86[];
        own aio_write64 = behind::aio_write(request: *mut c_int) -> c_int, calls[] x86[];
        own lio_listio = behind::lio_listio(mode: c_int, list: *const *mut c_int, n: c_int, event: *mut c_void) -> c_int, calls[] x86[];
        own lio_listio64 = behind::lio_listio(mode: c_int, list: *const *mut c_int, n: c_int, event: *mut c_void) -> c_int, calls[] x86[];
        gate eventfd_read = behind::eventfd_read(fd: c_int, value: *mut u64) -> c_int, calls[] x86[];
        gate eventfd_write = behind::eventfd_write(fd: c_int, value: u64) -> c_int, calls[] x86[];
        gate bindresvport = behind::bindresvport(fd: c_int, address: *mut sockaddr_in) -> c_int, calls[] x86[];
        own rresvport = behind::rresvport(port: *mut c_int) -> c_int, calls[] x86[];
        own rresvport_af = behind::rresvport_af(port: *mut c_int, family: sa_family_t) -> c_int, calls[] x86[];
        gate setsourcefilter = behind::setsourcefilter(fd: c_int, interface: u32, group: *const sockaddr, len: socklen_t, mode: u32, n: u32, sources: *const sockaddr_storage) -> c_int, calls[] x86[];
        gate getsourcefilter = behind::getsourcefilter(fd: c_int, interface: u32, group: *const sockaddr, len: socklen_t, mode: *mut u32, n: *mut u32, sources: *mut sockaddr_storage) -> c_int, calls[] x86[];
        gate setipv4sourcefilter = behind::setipv4sourcefilter(fd: c_int, interface: in_addr, group: in_addr, mode: u32, n: u32, sources: *const in_addr) -> c_int, calls[] x86[];
        gate getipv4sourcefilter = behind::getipv4sourcefilter(fd: c_int, interface: in_addr, group: in_addr, mode: *mut u32, n: *mut u32, sources: *mut in_addr) -> c_int, calls[] x86[];

        // fds: the limit on them
        own getrlimit = limits::getrlimit(resource: c_int, limit: *mut rlimit) -> c_int, calls[SYS_getrlimit] x86[];
        own getrlimit64 = limits::getrlimit(resource: c_int, limit: *mut rlimit) -> c_int, calls[] x86[];
        own setrlimit = limits::setrlimit(resource: c_int, limit: *const rlimit) -> c_int, calls[SYS_setrlimit] x86[];
        own setrlimit64 = limits::setrlimit(resource: c_int, limit: *const rlimit) -> c_int, calls[] x86[];
        own prlimit = limits::prlimit(pid: pid_t, resource: c_int, new: *const rlimit, old: *mut rlimit) -> c_int, calls[SYS_prlimit64] x86[];
        own prlimit64 = limits::prlimit(pid: pid_t, resource: c_int, new: *const rlimit, old: *mut rlimit) -> c_int, calls[] x86[];
        own sysconf = limits::sysconf(name: c_int) -> c_long, calls[] x86[];
        own getdtablesize = limits::getdtablesize() -> c_int, calls[] x86[];

        // processes
        own _exit = process::_exit(status: c_int) -> !, calls[] x86[];
        own _Exit = process::_exit(status: c_int) -> !, calls[] x86[];
        own quick_exit = process::quick_exit(status: c_int) -> !, calls[] x86[];
        own execve = process::execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int, calls[SYS_execve] x86[];
        own execv = process::execv(path: *const c_char, argv: *const *const c_char) -> c_int, calls[] x86[];
        own execvp = process::execvp(file: *const c_char, argv: *const *const c_char) -> c_int, calls[] x86[];
        own execvpe = process::execvpe(file: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int, calls[] x86[];
        own fexecve = process::fexecve(fd: c_int, argv: *const *const c_char, envp: *const *const c_char) -> c_int, calls[] x86[];
        own execveat = process::execveat(dir: c_int, path: *const c_char, argv: *const *const c_char, envp: *const *const c_char, flags: c_int) -> c_int, calls[SYS_execveat] x86[];
        bare execl = process::execl() -> c_int, calls[] x86[];
        bare execlp = process::execlp() -> c_int, calls[] x86[];
        bare execle = process::execle() -> c_int, calls[] x86[];
        bare vfork = process::vfork() -> pid_t, calls[] x86[];
        bare __vfork = process::__vfork() -> pid_t, calls[] x86[];
        own _Fork = process::_fork() -> pid_t, calls[] x86[];

        // signals
        own sigaction = signals::sigaction(sig: c_int, new: *const sigaction, old: *mut sigaction) -> c_int, calls[] x86[];
        own longjmp = signals::longjmp(env: *mut c_void, value: c_int) -> !, calls[] x86[];
        own _longjmp = signals::longjmp(env: *mut c_void, value: c_int) -> !, calls[] x86[];
        own siglongjmp = signals::longjmp(env: *mut c_void, value: c_int) -> !, calls[] x86[];
        own __longjmp_chk = signals::longjmp_chk(env: *mut c_void, value: c_int) -> !, calls[] x86[];
        own __sigaction = signals::sigaction(sig: c_int, new: *const sigaction, old: *mut sigaction) -> c_int, calls[] x86[];
        own signal = signals::signal(sig: c_int, handler: sighandler_t) -> sighandler_t, calls[] x86[];
        own bsd_signal = signals::signal(sig: c_int, handler: sighandler_t) -> sighandler_t, calls[] x86[];
        own ssignal = signals::signal(sig: c_int, handler: sighandler_t) -> sighandler_t, calls[] x86[];
        own sysv_signal = signals::sysv_signal(sig: c_int, handler: sighandler_t) -> sighandler_t, calls[] x86[];
        own __sysv_signal = signals::sysv_signal(sig: c_int, handler: sighandler_t) -> sighandler_t, calls[] x86[];
        own siginterrupt = signals::siginterrupt(sig: c_int, interrupt: c_int) -> c_int, calls[] x86[];
        own sigset = signals::sigset(sig: c_int, handler: sighandler_t) -> sighandler_t, calls[] x86[];

        // names and the rest
        own getaddrinfo = names::getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo, out: *mut *mut addrinfo) -> c_int, calls[] x86[];
        own getaddrinfo_a = names::getaddrinfo_a(mode: c_int, list: *mut *mut names::Request, count: c_int, event: *mut names::Event) -> c_int, calls[] x86[];
        own getnameinfo = names::getnameinfo(addr: *const sockaddr, len: socklen_t, host: *mut c_char, host_len: socklen_t, service: *mut c_char, service_len: socklen_t, flags: c_int) -> c_int, calls[] x86[];
        own gethostbyname = names::gethostbyname(name: *const c_char) -> *mut hostent, calls[] x86[];
        own gethostbyname2 = names::gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent, calls[] x86[];
        own gethostbyname_r = names::gethostbyname_r(name: *const c_char, entry: *mut hostent, buf: *mut c_char, len: size_t, result: *mut *mut hostent, h_errno: *mut c_int) -> c_int, calls[] x86[];
        own gethostbyname2_r = names::gethostbyname2_r(name: *const c_char, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t, result: *mut *mut hostent, h_errno: *mut c_int) -> c_int, calls[] x86[];
        own gethostbyaddr = names::gethostbyaddr(addr: *const c_void, len: socklen_t, family: c_int) -> *mut hostent, calls[] x86[];
        own gethostbyaddr_r = names::gethostbyaddr_r(addr: *const c_void, addr_len: socklen_t, family: c_int, entry: *mut hostent, buf: *mut c_char, len: size_t, result: *mut *mut hostent, h_errno: *mut c_int) -> c_int, calls[] x86[];
        own res_query = names::res_query(name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_query = names::res_query(name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_nquery = names::res_nquery(state: *mut c_void, name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_nquery = names::res_nquery(state: *mut c_void, name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_search = names::res_search(name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_search = names::res_search(name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_nsearch = names::res_nsearch(state: *mut c_void, name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_nsearch = names::res_nsearch(state: *mut c_void, name: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_querydomain = names::res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_querydomain = names::res_querydomain(name: *const c_char, domain: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_nquerydomain = names::res_nquerydomain(state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_nquerydomain = names::res_nquerydomain(state: *mut c_void, name: *const c_char, domain: *const c_char, class: c_int, rtype: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_send = names::res_send(message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_send = names::res_send(message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own res_nsend = names::res_nsend(state: *mut c_void, message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own __res_nsend = names::res_nsend(state: *mut c_void, message: *const c_uchar, len: c_int, answer: *mut c_uchar, room: c_int) -> c_int, calls[] x86[];
        own getifaddrs = names::getifaddrs(out: *mut *mut ifaddrs) -> c_int, calls[] x86[];
        own if_nametoindex = names::if_nametoindex(name: *const c_char) -> c_uint, calls[] x86[];
        own if_indextoname = names::if_indextoname(index: c_uint, name: *mut c_char) -> *mut c_char, calls[] x86[];
        own if_nameindex = names::if_nameindex() -> *mut names::NameIndex, calls[] x86[];
        own syscall = misc::syscall(nr: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long, calls[] x86[];
    } };
}

/// What the exported function does, by class.
macro_rules! hook {
    (gate $symbol:ident $group:ident $body:ident ($fd:ident $(, $arg:ident)*)) => {
        if fdtable::is_special($fd) {
            $group::$body($fd $(, $arg)*)
        } else {
            real::$symbol($fd $(, $arg)*)
        }
    };
    (talk $symbol:ident $group:ident $body:ident ($fd:ident $(, $arg:ident)*)) => {
        match fdtable::carrier($fd) {
            Carrier::Kernel => real::$symbol($fd $(, $arg)*),
            Carrier::Own => $group::$body($fd $(, $arg)*),
            Carrier::Netlink => netlink::$body($fd $(, $arg)*),
        }
    };
    (own $symbol:ident $group:ident $body:ident ($($arg:ident),*)) => { $group::$body($($arg),*) };
    (make $symbol:ident $group:ident $body:ident ($($arg:ident),*)) => { $group::$body(real::$symbol($($arg),*)) };
}

macro_rules! export {
    (bare $($rest:tt)*) => {};
    ($class:ident $symbol:ident $group:ident $body:ident ($($arg:ident: $ty:ty),*) -> $ret:ty) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol($($arg: $ty),*) -> $ret {
            // SAFETY: the caller's own arguments, as this function's manual page has them.
            unsafe { hook!($class $symbol $group $body ($($arg),*)) }
        }
    };
}

/// One arm of `syscall()`. It goes to the body, not to the exported function: that name may be another library's, whose
/// own `read` makes `syscall(SYS_read)`.
macro_rules! arm {
    ($nr:ident $args:ident $class:ident $group:ident $body:ident ($($ty:ty),*) [] []) => {};
    ($nr:ident $args:ident $class:ident $group:ident $body:ident ($($ty:ty),*) [$($call:ident)*] [$($x86:ident)*]) => {
        let hit = [$(libc::$call,)*].contains(&$nr);
        #[cfg(target_arch = "x86_64")]
        let hit = hit || [$(libc::$x86,)*].contains(&$nr);
        if hit {
            return arm!(@ $nr $args $class $group $body ($($ty),*));
        }
    };
    (@ $nr:ident $args:ident gate $group:ident $body:ident ($($ty:ty),*)) => {{
        if !fdtable::is_special($args.first() as c_int) {
            return None;
        }
        Some(arm!(@ call $args $group $body ($($ty),*)))
    }};
    (@ $nr:ident $args:ident talk $group:ident $body:ident ($($ty:ty),*)) => {{
        match fdtable::carrier($args.first() as c_int) {
            Carrier::Kernel => None,
            Carrier::Own => Some(arm!(@ call $args $group $body ($($ty),*))),
            Carrier::Netlink => Some(arm!(@ call $args netlink $body ($($ty),*))),
        }
    }};
    (@ $nr:ident $args:ident make $group:ident $body:ident ($($ty:ty),*)) => { Some($args.made($nr)) };
    (@ $nr:ident $args:ident own $group:ident $body:ident ($($ty:ty),*)) => {
        Some(arm!(@ call $args $group $body ($($ty),*)))
    };
    (@ call $args:ident $group:ident $body:ident ($($ty:ty),*)) => {{
        let mut rest = $args.iter();
        // SAFETY: the program's own arguments, in the order that the function takes them.
        unsafe { $group::$body($(rest.next() as $ty),*) as c_long }
    }};
}

macro_rules! define {
    ($(
        $class:ident $symbol:ident = $group:ident :: $body:ident ( $($arg:ident : $ty:ty),* ) -> $ret:ty,
        calls[$($call:ident)*] x86[$($x86:ident)*];
    )*) => {
        /// The functions that the hooks stand before.
        #[allow(dead_code, non_snake_case, reason = "named as in libc; aliases share one")]
        pub(super) mod real {
            use super::*;

            /// Where they are.
            #[allow(non_upper_case_globals)]
            pub(in super::super) mod sym {
                use super::super::super::real::Real;
                $(
                    // SAFETY: concat! ends it with its only NUL.
                    pub(in super::super::super) static $symbol: Real = Real::new(unsafe {
                        std::ffi::CStr::from_bytes_with_nul_unchecked(concat!(stringify!($symbol), "\0").as_bytes())
                    });
                )*
            }

            $(
                #[allow(clippy::too_many_arguments)] // as the function has them
                #[inline(always)]
                pub(in super::super) unsafe fn $symbol($($arg: $ty),*) -> $ret {
                    // SAFETY: the address is that of a function with this signature, by the manual page.
                    let f = unsafe {
                        std::mem::transmute::<*mut c_void, unsafe extern "C-unwind" fn($($ty),*) -> $ret>(
                            sym::$symbol.get(),
                        )
                    };
                    // SAFETY: the caller's own arguments.
                    unsafe { f($($arg),*) }
                }
            )*
        }

        /// The functions that take libc's place.
        #[allow(non_snake_case, reason = "named as in libc")]
        mod exports {
            use super::*;
            $( export!($class $symbol $group $body ($($arg: $ty),*) -> $ret); )*
        }

        /// `syscall()` with a number that is here; None: make the raw call.
        pub(super) fn dispatch(nr: c_long, args: misc::Args) -> Option<c_long> {
            $( arm!(nr args $class $group $body ($($ty),*) [$($call)*] [$($x86)*]); )*
            None
        }
    };
}

hooks!(define);
