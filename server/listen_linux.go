package server

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// listener is one listening socket of the event loop.
type listener struct {
	fd   int
	unix string // path of a Unix socket, or ""
	addr string // as in bind, without the leading "-"
	port int
}

const acceptPerTurn = 1000 // connections accepted from one listener per turn

// openListeners opens what bind, port and unixsocket ask for. Addresses with a leading "-" may be missing.
func (s *Server) openListeners() ([]*listener, error) {
	var list []*listener
	fail := func(err error) ([]*listener, error) {
		for _, ln := range list {
			ln.close(s)
		}
		return nil, err
	}
	v := s.values
	if v.Port != 0 {
		for _, addr := range v.Bind {
			optional := len(addr) > 0 && addr[0] == '-'
			if optional {
				addr = addr[1:]
			}
			ln, err := listenTCP(addr, v.Port, v.TCPBacklog)
			if err != nil {
				s.logNotListening(addr, err)
				if optional {
					continue
				}
				s.logf(Warning, "Failed listening on port %d (TCP), aborting.", v.Port)
				return fail(fmt.Errorf("listening on %s:%d: %w", addr, v.Port, err))
			}
			list = append(list, ln)
		}
		if len(list) == 0 && len(v.Bind) > 0 {
			s.logf(Warning, "Failed listening on port %d (TCP), aborting.", v.Port)
			return fail(fmt.Errorf("no address to listen on for port %d", v.Port))
		}
	}
	if v.UnixSocket != "" {
		ln, err := listenUnix(v.UnixSocket, v.UnixSocketPerm, v.TCPBacklog)
		if err != nil {
			s.logf(Warning, "Failed opening Unix socket: %s: %v", v.UnixSocket, err)
			return fail(fmt.Errorf("opening Unix socket %s: %w", v.UnixSocket, err))
		}
		list = append(list, ln)
	}
	return list, nil
}

func listenTCP(addr string, port, backlog int) (*listener, error) {
	bound := addr
	switch addr {
	case "*":
		addr = "0.0.0.0"
	case "::*":
		addr = "::"
	case "localhost":
		addr = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, err
	}
	family := unix.AF_INET
	var sa unix.Sockaddr = &unix.SockaddrInet4{Port: port}
	if ip.Is4() {
		sa = &unix.SockaddrInet4{Port: port, Addr: ip.As4()}
	} else {
		family, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: port, Addr: ip.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err == nil && family == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, sa)
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &listener{fd: fd, addr: bound, port: port}, nil
}

// listenUnix binds under a umask that lets nobody else in before the permissions are set.
func listenUnix(path string, perm, backlog int) (*listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	mask := 0
	if perm != 0 {
		mask = unix.Umask(0o177)
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	if perm != 0 {
		unix.Umask(mask)
		if err == nil {
			err = os.Chmod(path, os.FileMode(perm))
		}
	}
	if err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &listener{fd: fd, unix: path}, nil
}

func (ln *listener) close(s *Server) {
	if err := unix.Close(ln.fd); err != nil {
		s.logf(Warning, "closing a listening socket: %v", err)
	}
	if ln.unix != "" {
		s.logf(Notice, "Removing the unix socket file.")
		if err := os.Remove(ln.unix); err != nil {
			s.logf(Warning, "Error removing the unix socket file: %v", err)
		}
	}
}

// accept takes new connections of a listener. Aborted ones are passed over; when the process has no file descriptor or
// memory left the listener waits for the next connection to be closed, or for the next cron, instead of turning without end.
func (l *loop) accept(ln *listener) {
	s := l.srv
	for range acceptPerTurn {
		fd, sa, err := unix.Accept4(ln.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			l.welcome(ln, fd, sa)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		case errors.Is(err, unix.EAGAIN):
			return
		default:
			if l.now.Sub(l.refused) >= time.Second {
				l.refused = l.now
				s.logf(Warning, "Accepting client connection: %v", err)
			}
			l.pauseAccepting(true)
			return
		}
	}
}

// pauseAccepting makes the loop ignore its listeners, which stay readable, or listen to them again.
func (l *loop) pauseAccepting(pause bool) {
	if l.paused == pause {
		return
	}
	l.paused = pause
	ev := unix.EpollEvent{}
	if !pause {
		ev.Events = unix.EPOLLIN
	}
	for _, ln := range l.lists {
		ev.Fd = int32(ln.fd)
		if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, ln.fd, &ev); err != nil {
			l.srv.logf(Warning, "watching a listening socket: %v", err)
		}
	}
}

// welcome makes a connection of an accepted socket, or refuses it.
func (l *loop) welcome(ln *listener, fd int, sa unix.Sockaddr) {
	s := l.srv
	c := &conn{srv: s, driver: l, fd: fd, local: ln.unix != ""}
	if ln.unix != "" {
		c.addr, c.laddr = ln.unix+":0", ln.unix+":0"
	} else {
		var loopback bool
		c.addr, loopback = addrOf(sa)
		c.local = loopback
		if own, err := unix.Getsockname(fd); err == nil {
			c.laddr, _ = addrOf(own)
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if sec := s.keepaliveSec.Load(); sec > 0 {
			setKeepalive(fd, int(sec))
		}
	}
	s.mu.Lock()
	refusal := s.register(c)
	s.mu.Unlock()
	if refusal != "" {
		_, _ = unix.Write(fd, []byte(refusal))
		_ = unix.Close(fd)
		return
	}
	l.conns[fd] = c
	if err := l.watch(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET&0xffffffff); err != nil {
		l.drop(c, err.Error())
	}
}

func setKeepalive(fd, sec int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, sec)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, max(1, sec/3))
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3)
}

// addrOf formats a peer and reports whether it is this host.
func addrOf(sa unix.Sockaddr) (string, bool) {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		ip := netip.AddrFrom4(a.Addr)
		return ip.String() + ":" + strconv.Itoa(a.Port), ip.IsLoopback()
	case *unix.SockaddrInet6:
		ip := netip.AddrFrom16(a.Addr)
		return "[" + ip.String() + "]:" + strconv.Itoa(a.Port), ip.IsLoopback() || ip.Unmap().IsLoopback()
	}
	return "?:0", false
}
