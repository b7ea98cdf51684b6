package servertest

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mode says how the replies to one step are compared.
type mode int

const (
	exact     mode = iota // byte for byte
	ignored               // not at all, but both servers must answer
	unordered             // aggregates at every depth as multisets
	pairs                 // as unordered, a flat array of scalars as a multiset of pairs
	kind                  // type byte and null
	shape                 // type bytes and counts at every depth
	errorCode             // both errors, first words equal; otherwise as exact
	approx                // integers may differ by step.tolerance; otherwise as exact
)

// verb is what one step does.
type verb int

const (
	doCommand    verb = iota // send a command, read one reply
	sendCommand              // send a command only
	readReplies              // read count replies
	rawBytes                 // send bytes, read one reply
	expectClosed             // both servers close the connection
	expectSilent             // nothing arrives for a moment
	flushAll
	reload // save, load back, digests unchanged
	useConn
	sleepMs
)

// step is one line of a script.
type step struct {
	line      int
	text      string
	verb      verb
	mode      mode
	args      []string
	count     int // of replies, repetitions, milliseconds, or the connection's number
	tolerance int64
	onlyProto int // 2 or 3; 0 is both
}

// script is a parsed file of testdata/diff.
type script struct {
	path      string
	onlyProto int
	steps     []step
}

// modeWords and their meaning are documented in testdata/diff/README.md.
var modeWords = map[string]mode{
	"#ignore": ignored, "#unordered": unordered, "#pairs": pairs, "#type": kind, "#shape": shape,
	"#error": errorCode, "#approx": approx,
}

func readScript(path string) (script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return script{}, err
	}
	s, err := parseScript(string(text))
	s.path = path
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func parseScript(text string) (script, error) {
	var s script
	var carried step // mode words alone on a line hold for the next command
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "#" || strings.HasPrefix(line, "# ") {
			continue
		}
		st := carried
		st.line, st.text = i+1, line
		complete, err := parseLine(&st, line)
		if err != nil {
			return s, fmt.Errorf("line %d: %w", i+1, err)
		}
		switch {
		case complete:
			s.steps = append(s.steps, st)
			carried = step{}
		case st.onlyProto != 0 && st.mode == exact && len(s.steps) == 0:
			s.onlyProto = st.onlyProto
		default:
			carried = st
		}
	}
	return s, nil
}

// parseLine reads the directives before the command and then the command. It answers false for a line that has only
// directives that describe the next command.
func parseLine(st *step, line string) (complete bool, err error) {
	rest := line
	for strings.HasPrefix(rest, "#") {
		word, after, _ := strings.Cut(rest, " ")
		rest = strings.TrimSpace(after)
		final, err := parseDirective(st, word, &rest)
		if final || err != nil {
			return final, err
		}
	}
	if rest == "" {
		return false, nil
	}
	st.args, err = SplitArgs(rest)
	return true, err
}

// parseDirective applies one directive; final means that the step is complete and rest has been used up.
func parseDirective(st *step, word string, rest *string) (final bool, err error) {
	name, arg, hasArg := strings.Cut(word, "=")
	if m, ok := modeWords[name]; ok {
		st.mode = m
		if hasArg {
			st.tolerance, err = strconv.ParseInt(arg, 10, 64)
		}
		return false, err
	}
	switch word {
	case "#resp2":
		st.onlyProto = 2
		return false, nil
	case "#resp3":
		st.onlyProto = 3
		return false, nil
	case "#repeat":
		return false, parseRepeat(st, rest)
	case "#send":
		st.verb = sendCommand
		return false, nil
	case "#flush":
		st.verb = flushAll
	case "#reload":
		st.verb = reload
	case "#closed":
		st.verb = expectClosed
	case "#silent":
		st.verb = expectSilent
	case "#raw":
		st.verb = rawBytes
		st.args, err = SplitArgs(*rest)
	case "#read":
		st.verb, st.count = readReplies, 1
		if *rest != "" {
			st.count, err = strconv.Atoi(*rest)
		}
	case "#conn":
		st.verb = useConn
		st.count, err = strconv.Atoi(*rest)
	case "#sleep":
		st.verb = sleepMs
		st.count, err = strconv.Atoi(*rest)
	default:
		return true, fmt.Errorf("%w: %s", ErrDirective, word)
	}
	if err != nil {
		return true, fmt.Errorf("%w: %s %s: %w", ErrDirective, word, *rest, err)
	}
	return true, nil
}

func parseRepeat(st *step, rest *string) error {
	number, after, _ := strings.Cut(*rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return fmt.Errorf("%w: #repeat %s", ErrDirective, number)
	}
	st.count, *rest = n, strings.TrimSpace(after)
	return nil
}

// SplitArgs splits a command line as redis-cli does: words between spaces; "double quotes" with \n \r \t \b \a \\ \"
// and \xHH; 'single quotes' with \'. A closing quote must end its word.
func SplitArgs(line string) ([]string, error) {
	var args []string
	for i := 0; ; {
		for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
			i++
		}
		if i == len(line) {
			return args, nil
		}
		word, next, err := splitWord(line, i)
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, line)
		}
		args = append(args, word)
		i = next
	}
}

func splitWord(line string, i int) (word string, next int, err error) {
	var b []byte
	var quote byte
	for ; i < len(line); i++ {
		ch := line[i]
		switch {
		case quote == 0 && (ch == ' ' || ch == '\t'):
			return string(b), i, nil
		case quote == 0 && (ch == '"' || ch == '\''):
			quote = ch
		case quote != 0 && ch == quote:
			if i+1 < len(line) && line[i+1] != ' ' && line[i+1] != '\t' {
				return "", i, ErrQuoting
			}
			return string(b), i + 1, nil
		case quote == '"' && ch == '\\' && i+1 < len(line):
			var used int
			ch, used = unescape(line[i+1:])
			b = append(b, ch)
			i += used
		case quote == '\'' && ch == '\\' && i+1 < len(line) && line[i+1] == '\'':
			b = append(b, '\'')
			i++
		default:
			b = append(b, ch)
		}
	}
	if quote != 0 {
		return "", i, ErrQuoting
	}
	return string(b), i, nil
}

// unescape decodes what follows a backslash and returns how many bytes of s it took.
func unescape(s string) (ch byte, used int) {
	if s[0] == 'x' && len(s) >= 3 {
		if v, err := hex.DecodeString(s[1:3]); err == nil {
			return v[0], 3
		}
	}
	switch s[0] {
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'b':
		return '\b', 1
	case 'a':
		return '\a', 1
	}
	return s[0], 1
}
