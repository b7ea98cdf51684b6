// Package modeltest owns what the model tests of the packages below keyspace share: how many operations one makes, and
// where its choices come from, which is a seeded generator or the bytes of a fuzzer. It refuses to know what is tested,
// and only tests import it.
package modeltest

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

const (
	opsVar    = "MODEL_OPS"
	seedVar   = "MODEL_SEED"
	shortPart = 10 // of the operations are made with -short
)

// Choices is where a test takes its decisions from. From a seed they are as many as the operations need; from bytes they
// end with them, and every choice after the last byte is the first one.
type Choices struct {
	rng  *rand.Rand // nil when the choices come from data
	data []byte
	left int // operations
}

// Start returns the choices of a test that makes ops operations, a tenth of them with -short. The environment variable
// MODEL_OPS sets another number, -short or not, and MODEL_SEED the seed, which is random otherwise. Both are logged, so
// that a failure shows them.
func Start(t testing.TB, ops int) *Choices {
	t.Helper()
	if testing.Short() {
		ops /= shortPart
	}
	ops = int(variable(t, opsVar, uint64(ops)))
	seed := variable(t, seedVar, rand.Uint64())
	t.Logf("%s=%d %s=%d", opsVar, ops, seedVar, seed)
	return &Choices{rng: rand.New(rand.NewPCG(seed, 0)), left: ops}
}

// variable reads a number from the environment, or returns otherwise.
func variable(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// FromBytes returns choices that are read from a fuzzer's bytes: a byte for a choice between up to 256 things, more for
// others, so that a byte changed or left out is a similar test. The operations end with the bytes.
func FromBytes(data []byte) *Choices { return &Choices{data: data} }

// More begins the next operation and tells whether there is one.
func (c *Choices) More() bool {
	if c.rng == nil {
		return len(c.data) > 0
	}
	c.left--
	return c.left >= 0
}

// IntN chooses from 0..n-1, n >= 1.
func (c *Choices) IntN(n int) int {
	if c.rng != nil {
		return c.rng.IntN(n)
	}
	var word [8]byte
	width := 1
	for limit := n - 1; limit > 255 && width < len(word); limit >>= 8 {
		width++
	}
	c.data = c.data[copy(word[:width], c.data):]
	return int(binary.LittleEndian.Uint64(word[:]) % uint64(n))
}

// OneIn is true once in n times. After the last byte it is false.
func (c *Choices) OneIn(n int) bool { return c.IntN(n) == n-1 }

// Magnitude chooses a number below 1<<n with every number of bits alike, so that small ones are as likely as large ones.
func (c *Choices) Magnitude(n int) int { return c.IntN(1 << c.IntN(n+1)) }

// Uint64 chooses among all numbers.
func (c *Choices) Uint64() uint64 {
	if c.rng != nil {
		return c.rng.Uint64()
	}
	var word [8]byte
	c.data = c.data[copy(word[:], c.data):]
	return binary.LittleEndian.Uint64(word[:])
}
