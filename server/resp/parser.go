package resp

import (
	"bytes"
	"math"
)

// Limits on one request. The zero value refuses everything; start from
// DefaultLimits.
type Limits struct {
	// MaxBulkBytes is the longest argument, proto-max-bulk-len. The link from a
	// primary, which is trusted, uses math.MaxInt.
	MaxBulkBytes int
	// MaxArgs is the largest announced number of arguments.
	MaxArgs int
	// MaxInlineBytes bounds an inline request and each "*n" or "$n" header
	// line, terminator excluded.
	MaxInlineBytes int
	// Unauthenticated is set while the client has yet to authenticate: more
	// than 10 arguments or an argument over 16384 bytes is then refused with an
	// error that says so.
	Unauthenticated bool
}

const (
	unauthMaxArgs      = 10
	unauthMaxBulkBytes = 16384
)

// DefaultLimits are those of an authenticated client under the default
// configuration: 512 MB per argument, 2^31-1 arguments, 64 KB per line.
func DefaultLimits() Limits {
	return Limits{MaxBulkBytes: 512 << 20, MaxArgs: math.MaxInt32, MaxInlineBytes: 64 << 10}
}

// Parser reads requests, RESP arrays of bulk strings and inline lines, from a
// buffer that its caller owns. There is one per connection; the zero value is
// ready, and it is a handful of integers.
//
// It holds no bytes and, but for arguments received elsewhere (see Receive), no
// pointer. While a command is incomplete it remembers
// how far the command has been checked, as offsets from the command's first
// byte, so a byte is not looked at again for every byte that arrives and the
// caller may move or grow the buffer between two calls. Positions of arguments
// of an incomplete command are not kept: when its last byte is there, its
// headers, known to be good, are walked once more. So a connection that
// announces a million arguments or half a gigabyte costs what it has sent.
//
// Whether a request is inline is decided from its first byte and never stored,
// hence an empty request can leave no kind behind for the next one.
//
// A NUL byte where a line is being searched for its end hides the rest, as it
// does in Redis: the line ends only by exceeding MaxInlineBytes.
type Parser struct {
	argc   int  // announced arguments of the incomplete multibulk, 0 before its header is complete
	left   int  // of them not yet complete
	pos    int  // offset of the next argument's header, or of its body if inBulk
	bulk   int  // announced length of the body at pos, if inBulk
	scan   int  // offset before which no line end was found
	want   int  // bytes missing at least
	inBulk bool // the header before pos is complete
	away   []away
}

// away is an argument of the incomplete command whose bytes are elsewhere.
type away struct {
	arg  int // position among the arguments
	body []byte
}

// Next reads one command from buf, the connection's unread bytes, and appends
// its arguments, which alias buf, to dst. It returns the arguments, the number
// of bytes consumed from the front of buf, and an error.
//
// When nothing was appended and err is nil, buf holds no further complete
// command. Bytes may have been consumed even then: empty requests are skipped.
// The caller drops the consumed bytes, keeps the others in order, appends what
// arrives, and calls again. The arguments are valid until the caller changes
// the bytes they alias; those of an inline request with quotes alias a copy, so
// that buf stays as it is.
//
// An error is a ProtocolError, and after it the stream has no meaning.
func (p *Parser) Next(buf []byte, dst [][]byte, lim *Limits) (args [][]byte, n int, err error) {
	if p.argc > 0 {
		return p.resume(buf, dst, lim)
	}
	for n < len(buf) {
		var used int
		if buf[n] == '*' {
			args, used, err = p.multibulk(buf[n:], dst, lim)
		} else {
			args, used, err = p.inline(buf[n:], dst, lim)
		}
		if err != nil {
			*p = Parser{}
			return dst, n, err
		}
		if used == 0 {
			return args[:len(dst)], n, nil
		}
		n += used
		if p.scan != 0 || p.want != 0 {
			*p = Parser{}
		}
		if len(args) > len(dst) {
			return args, n, nil
		}
	}
	p.want = 1
	return dst, n, nil
}

// Want returns how many bytes the command at hand lacks at least, after a call
// of Next that found none complete: the rest of an argument whose length is
// known, otherwise 1. It is an announcement by the client and no reason to
// allocate that much at once.
func (p *Parser) Want() int { return p.want }

// Reset forgets an incomplete command.
func (p *Parser) Reset() { *p = Parser{} }

// Incomplete returns the length of the argument whose body is being read, after
// a call of Next that found no complete command, and where in the bytes that
// Next left its body begins; ok is false when no body is being read.
func (p *Parser) Incomplete() (length, pos int, ok bool) { return p.bulk, p.pos, p.inBulk }

// Receive tells that the body at hand (see Incomplete) and the line end behind
// it were received elsewhere. The bytes left by Next must have been cut off
// where the body would begin; body becomes the argument as it is. It saves a
// caller who knows that megabytes are coming from moving them.
func (p *Parser) Receive(body []byte) {
	p.away = append(p.away, away{p.argc - p.left, body})
	p.inBulk, p.bulk, p.scan = false, 0, 0
	p.left--
}

// Away reports whether arguments of the incomplete command were received
// elsewhere, in which case Reset would lose them.
func (p *Parser) Away() bool { return len(p.away) > 0 }

// multibulk reads a command that starts at buf[0] with '*'. It returns 0 bytes
// used if the command is incomplete.
func (p *Parser) multibulk(buf []byte, dst [][]byte, lim *Limits) ([][]byte, int, error) {
	argc, pos := shortLength(buf, 0)
	if pos == 0 {
		end, err := p.line(buf, 0, '\r', lim.MaxInlineBytes, ErrMultibulkCountTooBig)
		if err != nil || end < 0 {
			return dst, 0, err
		}
		count, ok := ParseInt(buf[1:end])
		if !ok || count > int64(lim.MaxArgs) {
			return dst, 0, ErrMultibulkLength
		}
		argc, pos = int(max(count, 0)), end+2
	}
	if argc > lim.MaxArgs {
		return dst, 0, ErrMultibulkLength
	}
	if lim.Unauthenticated && argc > unauthMaxArgs {
		return dst, 0, ErrUnauthMultibulkLength
	}
	if argc == 0 {
		return dst, pos, nil
	}
	s := state{left: argc, pos: pos}
	args := dst
	for s.left > 0 {
		if err := p.body(buf, &s, lim); err != nil {
			return dst, 0, err
		}
		if !s.complete(buf) {
			p.save(buf, &s, argc)
			return args, 0, nil
		}
		end := s.pos + s.bulk
		args = append(args, buf[s.pos:end:end])
		s.next()
	}
	return args, s.pos, nil
}

// state is the place inside a multibulk that is being read.
type state struct {
	left, pos, bulk int
	inBulk          bool
}

// complete reports whether the argument at hand and its line end are in buf.
func (s *state) complete(buf []byte) bool {
	return s.inBulk && s.bulk <= len(buf)-s.pos-2
}

func (s *state) next() {
	s.pos += s.bulk + 2
	s.inBulk = false
	s.left--
}

// body reads the argument header at s.pos, unless that is done. It leaves
// s.inBulk unset if the header is incomplete.
func (p *Parser) body(buf []byte, s *state, lim *Limits) error {
	if s.inBulk {
		return nil
	}
	length, next := 0, 0
	if s.pos < len(buf) && buf[s.pos] == '$' {
		length, next = shortLength(buf, s.pos)
	}
	if next == 0 {
		end, err := p.line(buf, s.pos, '\r', lim.MaxInlineBytes, ErrBulkCountTooBig)
		if err != nil || end < 0 {
			return err
		}
		if buf[s.pos] != '$' {
			return ProtocolError("Protocol error: expected '$', got '" + string(buf[s.pos:s.pos+1]) + "'")
		}
		value, ok := ParseInt(buf[s.pos+1 : end])
		if !ok || value < 0 || value > int64(lim.MaxBulkBytes) {
			return ErrBulkLength
		}
		length, next = int(value), end+2
	}
	if length > lim.MaxBulkBytes {
		return ErrBulkLength
	}
	if lim.Unauthenticated && length > unauthMaxBulkBytes {
		return ErrUnauthBulkLength
	}
	s.bulk, s.pos, s.inBulk = length, next, true
	return nil
}

// save keeps the place where a multibulk of argc arguments ran out of bytes.
func (p *Parser) save(buf []byte, s *state, argc int) {
	p.argc, p.left, p.pos, p.bulk, p.inBulk = argc, s.left, s.pos, s.bulk, s.inBulk
	p.want = 1
	if s.inBulk {
		p.want = s.bulk + 2 - (len(buf) - s.pos)
	}
}

// resume goes on with a multibulk whose beginning an earlier call has checked.
func (p *Parser) resume(buf []byte, dst [][]byte, lim *Limits) ([][]byte, int, error) {
	s := state{left: p.left, pos: p.pos, bulk: p.bulk, inBulk: p.inBulk}
	for s.left > 0 {
		if err := p.body(buf, &s, lim); err != nil {
			*p = Parser{}
			return dst, 0, err
		}
		if !s.complete(buf) {
			p.save(buf, &s, p.argc)
			return dst, 0, nil
		}
		s.next()
	}
	argc, elsewhere := p.argc, p.away
	*p = Parser{}
	return collect(buf, dst, argc, elsewhere), s.pos, nil
}

// collect appends the arguments of a complete multibulk whose headers have been
// checked.
func collect(buf []byte, dst [][]byte, argc int, elsewhere []away) [][]byte {
	pos := bytes.IndexByte(buf, '\r') + 2
	for arg := range argc {
		length := 0
		for pos++; buf[pos] != '\r'; pos++ {
			length = length*10 + int(buf[pos]-'0')
		}
		pos += 2
		if len(elsewhere) > 0 && elsewhere[0].arg == arg {
			dst = append(dst, elsewhere[0].body)
			elsewhere = elsewhere[1:]
			continue
		}
		dst = append(dst, buf[pos:pos+length:pos+length])
		pos += length + 2
	}
	return dst
}

// shortLength reads a header of one to four digits whose line is complete: the
// usual ones. next is 0 if the header is anything else; p.line then decides.
func shortLength(buf []byte, pos int) (value, next int) {
	digits := buf[min(pos+1, len(buf)):min(pos+7, len(buf))]
	for i, c := range digits {
		if c == '\r' {
			if i == 0 || i+2 > len(digits) || i > 1 && digits[0] == '0' {
				return 0, 0
			}
			return value, pos + i + 3
		}
		if c -= '0'; c > 9 || i > 3 {
			return 0, 0
		}
		value = value*10 + int(c)
	}
	return 0, 0
}

// line returns the offset of the terminator of the line that starts at pos. If
// the terminator is '\r', the byte after it, whatever it is, has to be there
// too. It returns -1 if the line is incomplete and tooLong if the line is
// longer than maxBytes, no matter in which pieces it arrives.
func (p *Parser) line(buf []byte, pos int, terminator byte, maxBytes int, tooLong error) (int, error) {
	from := max(pos, p.scan)
	rest := buf[min(from, len(buf)):]
	end := bytes.IndexByte(rest, terminator)
	seen := len(rest)
	if end >= 0 {
		seen = end
	}
	if hidden := bytes.IndexByte(rest[:seen], 0); hidden >= 0 {
		end, seen = -1, hidden
	}
	if end >= 0 {
		end += from
		if end-pos > maxBytes {
			return -1, tooLong
		}
		if terminator == '\n' || end+2 <= len(buf) {
			return end, nil
		}
	} else if len(buf)-pos > maxBytes {
		return -1, tooLong
	}
	p.scan, p.want = from+seen, 1
	return -1, nil
}
