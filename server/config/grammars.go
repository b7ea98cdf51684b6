package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxBindAddresses is the limit of Redis.
const maxBindAddresses = 16

func readBind(in input) (string, error) {
	if len(in.words) > maxBindAddresses {
		return "", errBindCount
	}
	return strings.Join(in.words, " "), nil
}

// readSave reads pairs of seconds and changes. Lines of a file accumulate; an
// empty word removes all.
func readSave(in input) (string, error) {
	if len(in.words) == 0 || len(in.words) == 1 && in.words[0] == "" {
		return "", nil
	}
	if len(in.words)%2 != 0 {
		return "", errSave
	}
	for i := 0; i < len(in.words); i += 2 {
		sec, ok := parseInteger(in.words[i])
		changes, ok2 := parseInteger(in.words[i+1])
		if !ok || !ok2 || sec < 1 || changes < 0 || int64(int32(changes)) != changes {
			return "", errSave
		}
	}
	points := strings.Join(in.words, " ")
	if in.load && !in.fresh && in.old != "" {
		return in.old + " " + points, nil
	}
	return points, nil
}

func writeSave(value, def string) []rewritten {
	if value == "" {
		return []rewritten{{`""`, value == def}}
	}
	var out []rewritten
	f := strings.Fields(value)
	for i := 0; i+1 < len(f); i += 2 {
		out = append(out, rewritten{f[i] + " " + f[i+1], value == def})
	}
	return out
}

// bufferClasses are the classes of client-output-buffer-limit in the order in
// which they are shown, with their second name.
var bufferClasses = [3][2]string{{"normal", ""}, {"slave", "replica"}, {"pubsub", ""}}

// readBufferLimits reads groups of class, hard limit, soft limit and seconds.
// Classes that are not named keep what they had.
func readBufferLimits(in input) (string, error) {
	if len(in.words) == 1 && in.words[0] == "" {
		return in.old, nil
	}
	if len(in.words)%4 != 0 {
		return "", errBufferWords
	}
	limits := strings.Fields(in.old)
	for w := in.words; len(w) > 0; w = w[4:] {
		class := bufferClass(w[0])
		if class < 0 {
			return "", errBufferClass
		}
		hard, ok := parseMemory(w[1])
		soft, ok2 := parseMemory(w[2])
		sec, ok3 := parseInteger(w[3])
		if !ok || !ok2 || !ok3 || sec < 0 {
			return "", errBufferNumber
		}
		copy(limits[4*class+1:], []string{
			strconv.FormatUint(hard, 10), strconv.FormatUint(soft, 10), strconv.FormatInt(sec, 10)})
	}
	return strings.Join(limits, " "), nil
}

func bufferClass(name string) int {
	for i, names := range bufferClasses {
		if strings.EqualFold(name, names[0]) || names[1] != "" && strings.EqualFold(name, names[1]) {
			return i
		}
	}
	return -1
}

func writeBufferLimits(value, def string) []rewritten {
	var out []rewritten
	v, d := strings.Fields(value), strings.Fields(def)
	for class, names := range bufferClasses {
		got, usual := v[4*class+1:4*class+4], d[4*class+1:4*class+4]
		name := names[0]
		if names[1] != "" {
			name = names[1]
		}
		out = append(out, rewritten{
			text:      name + " " + memoryUnits(got[0]) + " " + memoryUnits(got[1]) + " " + got[2],
			isDefault: got[0] == usual[0] && got[1] == usual[1] && got[2] == usual[2],
		})
	}
	return out
}

func readOOMScores(in input) (string, error) {
	if len(in.words) != 3 {
		return "", errWords
	}
	for _, word := range in.words {
		n, err := strconv.Atoi(word)
		if err != nil || n < -2000 || n > 2000 {
			return "", errOOMScore
		}
	}
	return strings.Join(in.words, " "), nil
}

// percentileDigits are the digits after the point that are kept.
const percentileDigits = 6

func readPercentiles(in input) (string, error) {
	if len(in.words) == 1 && in.words[0] == "" {
		return "", nil
	}
	var out []string
	for _, word := range in.words {
		f, err := strconv.ParseFloat(word, 64)
		if err != nil || f != f {
			return "", errPercentile
		}
		if f < 0 || f > 100 {
			return "", errPercentileMax
		}
		fixed := strconv.FormatFloat(f, 'f', percentileDigits, 64)
		out = append(out, strings.TrimRight(strings.TrimRight(fixed, "0"), "."))
	}
	return strings.Join(out, " "), nil
}

// readReplicaOf reads host and port; "no one" is a primary.
func readReplicaOf(in input) (string, error) {
	if len(in.words) != 2 {
		return "", errWords
	}
	if strings.EqualFold(in.words[0], "no") && strings.EqualFold(in.words[1], "one") {
		return "", nil
	}
	port, err := strconv.Atoi(in.words[1])
	if err != nil || port < 0 || port > 65535 {
		return "", errMasterPort
	}
	return in.words[0] + " " + strconv.Itoa(port), nil
}

func writeReplicaOf(value, def string) []rewritten {
	if value == "" {
		return nil
	}
	return []rewritten{{value, value == def}}
}

// The classes of notify-keyspace-events: those that A stands for, and the
// others, each in the order in which they are shown. n is accepted and not
// shown, as in Redis 7.0, where only modules ask for it.
const (
	eventClassesAll    = "g$lshzxetd"
	eventClassesOthers = "KEm"
	eventClassesSilent = "n"
)

func checkEvents(s string) (string, error) {
	for i := range len(s) {
		if !strings.Contains("A"+eventClassesAll+eventClassesOthers+eventClassesSilent, s[i:i+1]) {
			return "", errEvents
		}
	}
	var b strings.Builder
	for i := range len(eventClassesAll) {
		if strings.Contains(s, eventClassesAll[i:i+1]) {
			b.WriteByte(eventClassesAll[i])
		}
	}
	if strings.Contains(s, "A") || b.Len() == len(eventClassesAll) {
		b.Reset()
		b.WriteByte('A')
	}
	for i := range len(eventClassesOthers) {
		if strings.Contains(s, eventClassesOthers[i:i+1]) {
			b.WriteByte(eventClassesOthers[i])
		}
	}
	return b.String(), nil
}

// A nameError refuses a path where a name is wanted.
type nameError struct{ directive, reason string }

func (e nameError) Error() string { return e.directive + e.reason }

func checkDBFilename(s string) (string, error) {
	if strings.Contains(s, "/") {
		return "", nameError{"dbfilename", " can't be a path, just a filename"}
	}
	return s, nil
}

func checkAppendFilename(s string) (string, error) {
	switch {
	case s == "":
		return "", nameError{"appendfilename", " can't be empty"}
	case strings.Contains(s, "/"):
		return "", nameError{"appendfilename", " can't be a path, just a filename"}
	}
	return s, nil
}

func checkAppendDirname(s string) (string, error) {
	switch {
	case s == "":
		return "", nameError{"appenddirname", " can't be empty"}
	case strings.Contains(s, "/"):
		return "", nameError{"appenddirname", " can't be a path, just a dirname"}
	}
	return s, nil
}

func checkHostname(s string) (string, error) {
	if len(s) >= 256 {
		return "", errHostnameLong
	}
	for i := range len(s) {
		c := lower(s[i])
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return "", errHostname
		}
	}
	return s, nil
}

// titleVariables are the variables of proc-title-template. Those that may
// stand for nothing are false: a template of nothing else is refused.
var titleVariables = map[string]bool{
	"title": false, "listen-addr": true, "server-mode": false, "port": true,
	"tls-port": true, "unixsocket": false, "config-file": false,
}

func checkTitleTemplate(s string) (string, error) {
	filled := false
	for rest := s; rest != ""; {
		if rest[0] != '{' {
			filled, rest = true, rest[1:]
			continue
		}
		if strings.HasPrefix(rest, "{{") {
			filled, rest = true, rest[2:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return "", errTemplate
		}
		shows, known := titleVariables[rest[1:end]]
		if !known {
			return "", errTemplate
		}
		filled = filled || shows
		rest = rest[end+1:]
	}
	if !filled {
		return "", errTemplate
	}
	return s, nil
}

// accessExecute is X_OK of access(2): search permission for a directory.
const accessExecute = 1

// checkDir makes the path absolute. It does not change to it; the server does.
func checkDir(s string) (string, error) {
	if s == "" {
		return "", reason(syscall.ENOENT)
	}
	path, err := filepath.Abs(s)
	if err != nil {
		return "", reason(err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", reason(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", reason(err)
	}
	if !info.IsDir() {
		return "", reason(syscall.ENOTDIR)
	}
	if err := syscall.Access(path, accessExecute); err != nil {
		return "", reason(err)
	}
	return path, nil
}

// A reasonError is an error of the system in the words of strerror.
type reasonError struct{ err error }

func reason(err error) error        { return reasonError{err} }
func (e reasonError) Error() string { return systemReason(e.err) }
func (e reasonError) Unwrap() error { return e.err }

func checkShutdown(bits int) error {
	both := int(ShutdownSave | ShutdownNoSave)
	if bits&both == both {
		return errSaveNosave
	}
	return nil
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
