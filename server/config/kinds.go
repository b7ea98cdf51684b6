package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An input is what a kind turns into a canonical value.
type input struct {
	words []string
	old   string // value before, for directives of which a line sets a part
	fresh bool   // first line of a load: replace the default instead of adding to it
	load  bool   // from a file or the command line, not from CONFIG SET
}

// A kind knows the values a directive may take.
type kind interface {
	// multi reports whether a line may hold several words. CONFIG SET splits
	// its argument at single spaces for such a kind.
	multi() bool
	// parse returns the value as CONFIG GET shows it.
	parse(in input) (string, error)
	// lines returns what REWRITE writes for a value after the name, one entry
	// per line of the file.
	lines(value, def string) []rewritten
}

// A rewritten line has its default when the file may do without it.
type rewritten struct {
	text      string
	isDefault bool
}

// one is embedded by kinds whose value is one word that needs no quotes.
type one struct{}

func (one) multi() bool { return false }

func (one) lines(value, def string) []rewritten {
	return []rewritten{{value, value == def}}
}

// boolean is yes or no.
type boolean struct{ one }

func (boolean) parse(in input) (string, error) {
	v := strings.ToLower(in.words[0])
	if v != "yes" && v != "no" {
		return "", errBool
	}
	return v, nil
}

// integer is a decimal number. Values outside low..high are refused, values
// outside floor..ceiling are moved to the nearer of the two when ceiling > 0.
type integer struct {
	one
	low, high      int64
	floor, ceiling int64
}

func between(low, high int64) integer { return integer{low: low, high: high} }

func (k integer) parse(in input) (string, error) {
	n, ok := parseInteger(in.words[0])
	if !ok {
		return "", errInteger
	}
	if n < k.low || n > k.high {
		return "", fmt.Errorf("argument must be between %d and %d inclusive", k.low, k.high)
	}
	if k.ceiling > 0 {
		n = min(max(n, k.floor), k.ceiling)
	}
	return strconv.FormatInt(n, 10), nil
}

// parseInteger refuses what strconv is lenient about: a plus sign, leading
// zeros and minus zero.
func parseInteger(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

// memory is a number of bytes with an optional unit: b, k (1000), kb (1024),
// m, mb, g, gb. Values below floor are raised to it.
type memory struct {
	one
	low, high uint64
	floor     uint64
}

func bytesBetween(low, high uint64) memory { return memory{low: low, high: high} }

func (k memory) parse(in input) (string, error) {
	n, ok := parseMemory(in.words[0])
	if !ok {
		return "", errMemory
	}
	if n < k.low || n > k.high {
		return "", fmt.Errorf("argument must be between %d and %d inclusive", k.low, k.high)
	}
	return strconv.FormatUint(max(n, k.floor), 10), nil
}

func (k memory) lines(value, def string) []rewritten {
	return []rewritten{{memoryUnits(value), value == def}}
}

// parseMemory returns the number of bytes s stands for. No digits at all are
// 0; digits beyond 64 bits are the largest number, a product beyond them is
// refused.
func parseMemory(s string) (uint64, bool) {
	digits := len(s)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			digits = i
			break
		}
	}
	var unit uint64
	switch strings.ToLower(s[digits:]) {
	case "", "b":
		unit = 1
	case "k":
		unit = 1000
	case "kb":
		unit = 1 << 10
	case "m":
		unit = 1000 * 1000
	case "mb":
		unit = 1 << 20
	case "g":
		unit = 1000 * 1000 * 1000
	case "gb":
		unit = 1 << 30
	default:
		return 0, false
	}
	if digits == 0 {
		return 0, true
	}
	n, _ := strconv.ParseUint(s[:digits], 10, 64) // too large gives the largest
	if n > math.MaxUint64/unit {
		return 0, false
	}
	return n * unit, true
}

// memoryUnits writes a number of bytes in the largest unit that divides it.
func memoryUnits(text string) string {
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err != nil || n == 0:
		return text
	case n%(1<<30) == 0:
		return strconv.FormatUint(n>>30, 10) + "gb"
	case n%(1<<20) == 0:
		return strconv.FormatUint(n>>20, 10) + "mb"
	case n%(1<<10) == 0:
		return strconv.FormatUint(n>>10, 10) + "kb"
	}
	return text
}

// memoryOrPercent is a number of bytes, or a share of maxmemory as "5%".
type memoryOrPercent struct{ one }

func (memoryOrPercent) parse(in input) (string, error) {
	word := in.words[0]
	if share, ok := strings.CutSuffix(word, "%"); ok {
		n, ok := parseInteger(share)
		switch {
		case !ok || n < 0:
			return "", errPercent
		case n > 100:
			return "", errPercentHigh
		case n == 0:
			return "0", nil
		}
		return word, nil
	}
	n, ok := parseMemory(word)
	if !ok || n > math.MaxInt64 {
		return "", errPercent
	}
	return strconv.FormatUint(n, 10), nil
}

func (memoryOrPercent) lines(value, def string) []rewritten {
	return []rewritten{{memoryUnits(value), value == def}}
}

// octal is permission bits.
type octal struct{ one }

func (octal) parse(in input) (string, error) {
	if in.words[0] == "" {
		return "0", nil
	}
	n, err := strconv.ParseInt(in.words[0], 8, 64)
	if err != nil {
		return "", errOctal
	}
	if n < 0 || n > 0o777 {
		return "", fmt.Errorf("argument must be between %o and %o inclusive", 0, 0o777)
	}
	return strconv.FormatInt(n, 8), nil
}

// enum is one of its names; the position of the name is the typed value.
type enum struct {
	one
	names []string
}

func oneOf(names ...string) enum { return enum{names: names} }

func (k enum) parse(in input) (string, error) {
	v := strings.ToLower(in.words[0])
	if k.index(v) < 0 {
		return "", notOneOf(k.names)
	}
	return v, nil
}

func (k enum) index(v string) int {
	for i, name := range k.names {
		if name == v {
			return i
		}
	}
	return -1
}

func notOneOf(names []string) error {
	return fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(names, ", "))
}

// flagSet is any of its names; names[0] stands for none, names[i] for the bit
// 1<<(i-1). check may refuse a combination.
type flagSet struct {
	names []string
	check func(bits int) error
}

func (flagSet) multi() bool { return true }

func (k flagSet) parse(in input) (string, error) {
	bits := 0
	for _, word := range in.words {
		b, ok := k.bit(word)
		if !ok {
			return "", notOneOf(k.names)
		}
		bits |= b
	}
	if len(in.words) == 0 {
		return "", notOneOf(k.names)
	}
	if err := k.check(bits); err != nil {
		return "", err
	}
	return k.format(bits), nil
}

func (k flagSet) bit(word string) (int, bool) {
	for i, name := range k.names {
		if strings.EqualFold(name, word) {
			return 1 << i >> 1, true
		}
	}
	return 0, false
}

func (k flagSet) format(bits int) string {
	var set []string
	for i, name := range k.names[1:] {
		if bits&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	if set == nil {
		return k.names[0]
	}
	return strings.Join(set, " ")
}

func (k flagSet) lines(value, def string) []rewritten {
	return []rewritten{{value, value == def}}
}

// text is any one word; check, when present, may refuse it or normalise it.
type text struct {
	check func(string) (string, error)
}

func (text) multi() bool { return false }

func (k text) parse(in input) (string, error) {
	if k.check == nil {
		return in.words[0], nil
	}
	return k.check(in.words[0])
}

func (k text) lines(value, def string) []rewritten {
	return []rewritten{{quote(value), value == def}}
}

// words is a list with a grammar of its own.
type words struct {
	read  func(in input) (string, error)
	write func(value, def string) []rewritten // nil: all on one line
}

func (words) multi() bool { return true }

func (k words) parse(in input) (string, error) { return k.read(in) }

func (k words) lines(value, def string) []rewritten {
	switch {
	case k.write != nil:
		return k.write(value, def)
	case value == "":
		return []rewritten{{`""`, value == def}}
	}
	return []rewritten{{value, value == def}}
}

// rows is a directive of the file that may appear any number of times, each
// time with low to high words (high 0: any number).
type rows struct{ low, high int }

func (rows) multi() bool                      { return true }
func (rows) lines(string, string) []rewritten { return nil }
func (k rows) parse(in input) (string, error) {
	if len(in.words) < k.low || k.high > 0 && len(in.words) > k.high {
		return "", errDirective
	}
	return "", nil
}

// include names files to read in its place.
type include struct{ rows }

// retired is a directive old files hold and nothing reads any more.
type retired struct{ rows }
