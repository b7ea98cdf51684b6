package host

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
)

// sealed closes a value as the payload of DUMP.
func sealed(value []byte) string {
	p := append(bytes.Clone(value), 10, 0)
	return string(binary.LittleEndian.AppendUint64(p, rdb.Checksum(0, p)))
}

// restoreAnything restores a payload that may be anything: the server answers, and what it accepts it can dump and read.
func restoreAnything(t *testing.T, r *rig, value []byte) {
	t.Helper()
	switch got := r.do("RESTORE", "k", "0", sealed(value), "REPLACE"); got {
	case "-ERR Bad data format\r\n":
	case "+OK\r\n":
		dump := r.do("DUMP", "k")
		if again := r.do("RESTORE", "l", "0", dump[strings.Index(dump, "\r\n")+2:len(dump)-2], "REPLACE"); again != got {
			t.Errorf("%x: what was dumped was refused: %q", value, again)
		}
		r.do("nget", "k")
		r.equal([]string{"RESTORE"})
	default:
		t.Errorf("%x: %q", value, got)
	}
}

// valueOf returns the payload of a value of the test's type, without its footer.
func valueOf(t *testing.T, r *rig) []byte {
	t.Helper()
	for _, n := range []string{"1", "-300", "70000", "9223372036854775807"} {
		if got := r.do("nadd", "v", n); got != "+OK\r\n" {
			t.Fatal(got)
		}
	}
	dump := r.do("DUMP", "v")
	payload := dump[strings.Index(dump, "\r\n")+2 : len(dump)-2]
	return []byte(payload[:len(payload)-10])
}

// TestDamagedPayloads cuts and changes a payload everywhere, with a checksum that fits: never a crash.
//
// Rules: RDB-1, RDB-2.
func TestDamagedPayloads(t *testing.T) {
	r := newTypeRig(t, newNumbers())
	value := valueOf(t, r)
	for n := range value {
		restoreAnything(t, r, value[:n])
		for _, b := range []byte{0, 1, 2, 5, 0x41, 0x80, 0x81, 0xc3, 0xff} {
			changed := bytes.Clone(value)
			changed[n] = b
			restoreAnything(t, r, changed)
		}
		for bit := range 8 {
			changed := bytes.Clone(value)
			changed[n] ^= 1 << bit
			restoreAnything(t, r, changed)
		}
	}
}

func FuzzRestore(f *testing.F) {
	value := binary.BigEndian.AppendUint64([]byte{7, 0x81}, keyspace.NativeID(numbersName, 3))
	f.Add(append(value, 2, 2, 2, 1, 2, 0x81, 255, 255, 255, 255, 255, 255, 255, 255, 0))
	f.Add([]byte("\x00\x01v"))
	f.Fuzz(func(t *testing.T, value []byte) { restoreAnything(t, newTypeRig(t, newNumbers()), value) })
}
