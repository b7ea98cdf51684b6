package aof

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"datastore/server/vfs"
	"datastore/server/vfs/vfstest"
)

func TestAppendAndLoad(t *testing.T) {
	m, data := written(t, set(0), txn(set(1), set(2)), append(cmd("SELECT", "3"), txn(set(3))...), append(cmd("SELECT", "0"), set(4)...))
	if !bytes.HasPrefix(data, []byte("#DATASTORE-AOF:1\r\n*3\r\n$3\r\nSET\r\n")) || bytes.Count(data, []byte("#CRC:")) != 4 {
		t.Fatalf("%q", data)
	}
	b := open(t, m)
	if !b.log.Exists() {
		t.Fatal("parts not seen")
	}
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{sets(3)[0], sets(3)[1], sets(3)[2], "SELECT 3", sets(4)[3], "SELECT 0", sets(5)[4]})
	if err := b.log.Start(nil); err != nil {
		t.Fatal(err)
	}
	b.append(set(5))
	b.close()
	if got := read(t, m, firstIncr); !bytes.HasPrefix(got, data) || len(got) == len(data) {
		t.Fatal("the second run did not go on in the same file")
	}
	got, err = open(t, m).load()
	if err != nil || len(got) != 8 {
		t.Fatal(got, err)
	}
}

func TestStartRefusesUnloadedParts(t *testing.T) {
	m, _ := written(t, set(0))
	b := open(t, m)
	if err := b.log.Start(nil); !errors.Is(err, ErrNotLoaded) {
		t.Fatal(err)
	}
	b.close()
}

// unitEnds returns the offsets behind the header and behind each record of data.
func unitEnds(data []byte) []int {
	ends := []int{len(headerLine)}
	for i := len(headerLine); i < len(data); {
		k := bytes.Index(data[i:], []byte("#CRC:"))
		i += k + bytes.IndexByte(data[i+k:], '\n') + 1
		ends = append(ends, i)
	}
	return ends
}

func TestF04TruncatedTail(t *testing.T) {
	_, data := written(t, set(0), set(1), set(2), set(3), set(4))
	cutEverywhere(t, data, unitEnds(data), func(whole int) []string { return sets(whole) })
}

func TestF05CutInsideTransaction(t *testing.T) {
	_, data := written(t, set(0), txn(set(1), set(2), set(3)), append(cmd("SELECT", "1"), txn(set(4), set(5))...))
	want := [][]string{{}, sets(1), sets(4)}
	cutEverywhere(t, data, unitEnds(data), func(whole int) []string { return want[whole] })
}

// cutEverywhere loads data cut at every byte and expects exactly the records that are whole.
func cutEverywhere(t *testing.T, data []byte, ends []int, want func(whole int) []string) {
	t.Helper()
	for cut := len(headerLine); cut < len(data); cut++ {
		whole := 0
		for ends[whole+1] <= cut {
			whole++
		}
		m := withFile(t, data[:cut])
		strict, err := tryOpen(t, m, func(o *Options) { o.RefuseTruncated = true })
		if err != nil {
			t.Fatal(err)
		}
		_, err = strict.load()
		clean := ends[whole] == cut
		if clean != (err == nil) || !clean && !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut at %d with aof-load-truncated no: %v", cut, err)
		}
		strict.close()
		b := open(t, m)
		got, err := b.load()
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		same(t, got, want(whole))
		checkRepaired(t, b, m, data[:cut], ends[whole])
		if err := b.log.Start(nil); err != nil {
			t.Fatal(err)
		}
		b.append(cmd("PING"))
		b.close()
		if got, err = open(t, m).load(); err != nil {
			t.Fatal(err)
		}
		same(t, got, append(append([]string{}, want(whole)...), "PING"))
	}
}

// checkRepaired expects the file to end at end, the rest in a copy, and a log line about it.
func checkRepaired(t *testing.T, b *bench, m *vfstest.Mem, was []byte, end int) {
	t.Helper()
	if got := read(t, m, firstIncr); !bytes.Equal(got, was[:end]) {
		t.Fatalf("file has %d bytes, want %d", len(got), end)
	}
	if end == len(was) {
		return
	}
	if got := read(t, m, fmt.Sprintf("%s.dropped.%d.1", firstIncr, end)); !bytes.Equal(got, was[end:]) {
		t.Fatalf("copy has %q", got)
	}
	if !b.logged(fmt.Sprintf("%s: %d bytes from offset %d on", firstIncr, len(was)-end, end)) {
		t.Fatalf("%q", b.lines)
	}
}

func TestF04CutInTheHeader(t *testing.T) {
	for cut := range len(headerLine) {
		b := open(t, withFile(t, []byte(headerLine[:cut]))).start()
		b.append(set(0))
		b.close()
		got, err := open(t, b.fs).load()
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, sets(1))
	}
}

func TestF06BitFlip(t *testing.T) {
	_, data := written(t, set(0), txn(set(1), cmd("SET", "x y", "\x00\x01@ \r\n")), append(cmd("SELECT", "1"), set(2)...), cmd("DEL", "a"))
	var good []string
	if _, err := open(t, withFile(t, data)).log.Load(collect(&good)); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for bit := range 8 {
			bad := bytes.Clone(data)
			bad[i] ^= 1 << bit
			m := withFile(t, bad)
			b := open(t, m)
			got, err := b.load()
			var where *LoadError
			if !errors.As(err, &where) || where.File != firstIncr || where.Record < 1 {
				t.Fatalf("byte %d bit %d: %q, %v", i, bit, got, err)
			}
			if where.Offset > int64(i) || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("byte %d bit %d: %v", i, bit, err)
			}
			same(t, got, good[:len(got)])
			if !bytes.Equal(read(t, m, firstIncr), bad) {
				t.Fatal("a refused file was changed")
			}
			lines := FatalLines(err)
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, "Bad file format reading the append only file "+firstIncr) {
				t.Fatal(lines)
			}
			if errors.Is(err, ErrCorrupt) && !strings.Contains(lines[0], "aof check --fix") {
				t.Fatal(lines)
			}
		}
	}
}

// A flipped length that reaches beyond the end of the file looks like a torn tail, and is none.
func TestF06LengthBeyondTheEnd(t *testing.T) {
	long := cmd("SET", "k", strings.Repeat("v", 100))
	fake := cmd("SET", "k", strings.Repeat("\r\n#CRC:12345678:17\r\n", 6))
	for _, last := range [][]byte{long, fake, txn(long, set(9))} {
		_, data := written(t, set(0), last)
		e := unitEnds(data)
		i := e[1] + bytes.Index(data[e[1]:], []byte("$1")) + 1
		for data[i+1] == '\r' {
			i += bytes.Index(data[i:], []byte("$1")) + 1
		}
		data[i] = '9'
		_, err := open(t, withFile(t, data)).load()
		var where *LoadError
		if !errors.As(err, &where) || !errors.Is(err, ErrCorrupt) || where.Offset != int64(e[1]) {
			t.Fatal(err)
		}
	}
}

func TestF06LostDoubledMovedRecords(t *testing.T) {
	_, data := written(t, set(0), set(1), set(2), set(3))
	e := unitEnds(data)
	rec := func(i int) []byte { return data[e[i]:e[i+1]] }
	head := data[:e[0]]
	for name, parts := range map[string][][]byte{
		"lost":    {head, rec(0), rec(2), rec(3)},
		"doubled": {head, rec(0), rec(1), rec(1), rec(2), rec(3)},
		"swapped": {head, rec(0), rec(2), rec(1), rec(3)},
	} {
		_, err := open(t, withFile(t, bytes.Join(parts, nil))).load()
		var where *LoadError
		if !errors.As(err, &where) || !errors.Is(err, ErrCorrupt) || where.Record > 3 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestF07CorruptTailWithPermission(t *testing.T) {
	_, data := written(t, set(0), set(1), set(2))
	e := unitEnds(data)
	data[e[2]+20] ^= 4
	rest := int64(len(data) - e[2])
	b := open(t, withFile(t, data), func(o *Options) { o.CorruptTailMaxBytes = rest - 1 })
	if _, err := b.load(); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	m := withFile(t, data)
	b = open(t, m, func(o *Options) { o.CorruptTailMaxBytes = rest })
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, sets(2))
	checkRepaired(t, b, m, data, e[2])
}

func TestF08ZeroFilledTail(t *testing.T) {
	_, data := written(t, set(0), set(1), txn(set(2), set(3)))
	e := unitEnds(data)
	want := [][]string{{}, sets(1), sets(2), sets(4)}
	for cut := e[0]; cut <= len(data); cut++ {
		whole := 0
		for whole < 3 && e[whole+1] <= cut {
			whole++
		}
		for _, zeros := range []int{1, 7, 4096} {
			torn := append(bytes.Clone(data[:cut]), make([]byte, zeros)...)
			m := withFile(t, torn)
			b := open(t, m)
			got, err := b.load()
			if err != nil {
				t.Fatalf("cut at %d, %d zeros: %v", cut, zeros, err)
			}
			same(t, got, want[whole])
			checkRepaired(t, b, m, torn, e[whole])
		}
	}
}

func TestF08ZerosInTheMiddleAreDamage(t *testing.T) {
	_, data := written(t, set(0), set(1), set(2), set(3))
	e := unitEnds(data)
	clear(data[e[1]:e[2]])
	if _, err := open(t, withFile(t, data)).load(); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

func TestF18FutureVersion(t *testing.T) {
	_, data := written(t, set(0))
	for _, head := range []string{"#DATASTORE-AOF:2\r\n", "#DATASTORE-AOF:1 lz4\r\n"} {
		_, err := open(t, withFile(t, append([]byte(head), data[len(headerLine):]...))).load()
		if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "this server reads version 1") {
			t.Fatal(err)
		}
	}
	_, err := open(t, withFile(t, append(set(0), "#NEW:1\r\n"...))).load()
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "#NEW:1") {
		t.Fatal(err)
	}
}

func TestF20UnknownCommand(t *testing.T) {
	m, _ := written(t, set(0), cmd("nosuch", "x"), set(1))
	_, err := open(t, m).load()
	var where *LoadError
	if !errors.As(err, &where) || where.Command != "nosuch" || where.Record != 2 || where.Offset == 0 {
		t.Fatal(err)
	}
	lines := FatalLines(err)
	if lines[len(lines)-1] != "Unknown command 'nosuch' reading the append only file "+firstIncr {
		t.Fatal(lines)
	}
}

// The file of a real Redis: no header, no checksums, timestamps perhaps.
func TestForeignFile(t *testing.T) {
	data := append([]byte("#TS:1700000000\r\n"), append(cmd("SELECT", "0"), append(set(0), txn(set(1), set(2))...)...)...)
	m := withFile(t, data)
	b := open(t, m)
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, append([]string{"SELECT 0"}, sets(3)...))
	if err := b.log.Start(nil); err != nil {
		t.Fatal(err)
	}
	b.append(set(3))
	b.close()
	if !bytes.Equal(read(t, m, firstIncr), data) {
		t.Fatal("checked records were appended to a file without checksums")
	}
	got, err = open(t, m).load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, append([]string{"SELECT 0"}, sets(4)...))
	for cut := len(data) - len(txn(set(1), set(2))) + 1; cut < len(data); cut++ {
		got, err := open(t, withFile(t, data[:cut])).load()
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, append([]string{"SELECT 0"}, sets(1)...))
	}
}

// A real Redis went on in our file.
func TestForeignTail(t *testing.T) {
	_, data := written(t, set(0), set(1))
	data = append(data, bytes.Join([][]byte{cmd("SELECT", "0"), set(2), txn(set(3)), set(4), cmd("DEL", "a")[:9]}, nil)...)
	m := withFile(t, data)
	b := open(t, m)
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{sets(2)[0], sets(2)[1], "SELECT 0", sets(5)[2], sets(5)[3], sets(5)[4]})
	if !b.logged("no checksums from offset") || !b.logged("9 bytes from offset") {
		t.Fatalf("%q", b.lines)
	}
	if err := b.log.Start(nil); err != nil {
		t.Fatal(err)
	}
	b.append(set(5))
	b.close()
	if got, err = open(t, m).load(); err != nil || len(got) != 7 {
		t.Fatal(got, err)
	}
}

func TestTruncatedFileIsNotTheLast(t *testing.T) {
	_, data := written(t, set(0), set(1))
	m := withFile(t, data[:len(data)-3])
	write(t, m, "second", set(2))
	write(t, m, "appendonly.aof.manifest", []byte("file "+firstIncr+" seq 1 type i\nfile second seq 2 type i\n"))
	_, err := open(t, m).load()
	if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), "not the last file") {
		t.Fatal(err)
	}
}

func TestBaseWithPreamble(t *testing.T) {
	m := newMem(t)
	write(t, m, "b.aof", append([]byte("REDIS\x03abc"), set(0)...))
	write(t, m, "appendonly.aof.manifest", []byte("file b.aof seq 1 type b\n"))
	b := open(t, m)
	got, err := b.load()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{"RDB abc", sets(1)[0]})
}

func TestSingleFileOfOldRedis(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		m := newMem(t)
		if err := vfstest.WriteFile(m, testDir+"/appendonly.aof", set(0)); err != nil {
			t.Fatal(err)
		}
		if interrupted {
			write(t, m, "appendonly.aof.manifest", []byte("file appendonly.aof seq 1 type b\n"))
		}
		b := open(t, m)
		if !b.log.Exists() {
			t.Fatal("not seen")
		}
		b.start()
		b.append(set(1))
		b.close()
		got, err := open(t, m).load()
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, sets(2))
		if _, err := m.Stat(testDir + "/appendonly.aof"); err == nil {
			t.Fatal("the old file is still there")
		}
	}
}

func TestF09ManifestFaults(t *testing.T) {
	long := strings.Repeat("a", 2000)
	for text, want := range map[string]error{
		"":                         ErrManifestEmpty,
		"file a seq 1 type i":      ErrManifestLongLine,
		long + "\n":                ErrManifestLongLine,
		"fil\n":                    ErrManifestFormat,
		"\n":                       ErrManifestFormat,
		"file a seq 1\n":           ErrManifestFormat,
		"file a seq x type i\n":    ErrManifestFormat,
		"file a seq 1 type q\n":    ErrManifestType,
		"file ../a seq 1 type i\n": ErrManifestPath,
		"file a seq 2 type i\nfile b seq 1 type i\n":                         ErrManifestSeq,
		"file a seq 1 type i\nfile b seq 1 type i\n":                         ErrManifestSeq,
		"file a seq 1 type b\nfile b seq 2 type b\n":                         ErrManifestTwoBases,
		"file a seq 1 type b\nfile \"a\" seq 2 type i\n":                     ErrManifestDuplicate,
		"file a seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n": ErrMissingPart,
	} {
		m := newMem(t)
		write(t, m, "a", nil)
		write(t, m, "b", nil)
		write(t, m, "appendonly.aof.manifest", []byte(text))
		_, err := tryOpen(t, m)
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
			continue
		}
		lines := FatalLines(err)
		if last := lines[len(lines)-1]; want != ErrMissingPart && !strings.EqualFold(last, want.Error()) {
			t.Errorf("%q: %q", text, lines)
		}
		if _, err := m.Lock(testDir + "/" + LockFileName); err != nil {
			t.Error("a failed Open kept the lock")
		}
	}
}

func TestF09WordsOfRedis(t *testing.T) {
	for reason, want := range map[error]string{
		ErrManifestFormat:   "Invalid AOF manifest file format",
		ErrManifestEmpty:    "Found an empty AOF manifest",
		ErrManifestLongLine: "The AOF manifest file contains too long line",
		ErrManifestPath:     "File can't be a path, just a filename",
		ErrManifestType:     "Unknown AOF file type",
		ErrManifestTwoBases: "Found duplicate base file information",
		ErrManifestSeq:      "Found a non-monotonic sequence number",
	} {
		lines := FatalLines(&ManifestError{Line: 2, Text: "x", Reason: reason})
		same(t, lines, []string{"*** FATAL AOF MANIFEST FILE ERROR ***", "Reading the manifest file, at line 2", ">>> 'x'", want})
	}
}

func TestF09PartsWithoutManifest(t *testing.T) {
	m, _ := written(t, set(0))
	if err := m.Remove(inAOF("appendonly.aof.manifest")); err != nil {
		t.Fatal(err)
	}
	if _, err := tryOpen(t, m); !errors.Is(err, ErrPartsWithoutManifest) {
		t.Fatal(err)
	}
}

func TestManifestRoundTrip(t *testing.T) {
	in := "# comment\nfile \"a \\\"b\\\\\\x01\" seq 3 type b\nfile h seq 1 type h\nfile c seq 7 type i startoffset 9\n"
	m, err := parseManifest([]byte(strings.ReplaceAll(in, "\\\\", "")))
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseManifest(m.encode())
	if err != nil || !bytes.Equal(again.encode(), m.encode()) || m.base.name != "a \"b\x01" {
		t.Fatalf("%q %v", m.encode(), err)
	}
}

func TestF17SecondServer(t *testing.T) {
	m := newMem(t)
	b := open(t, m)
	_, err := tryOpen(t, m)
	var held *vfs.LockedError
	if !errors.As(err, &held) || held.PID != 1 || !strings.Contains(FatalLines(err)[0], "pid 1") {
		t.Fatal(err)
	}
	b.close()
	open(t, m).close()
}
