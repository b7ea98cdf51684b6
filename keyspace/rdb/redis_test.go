package rdb_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"datastore/keyspace/packed"
	"datastore/keyspace/rdb"
	"datastore/server/servertest/freeport"
)

// startRedis runs a real redis-server for the test. Where none is installed the test is skipped: the golden bytes of
// package packed and the tables here cover the same formats, only with fewer values.
func startRedis(t *testing.T) *redis.Client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server to compare with")
	}
	port := strconv.Itoa(freeport.Get())
	addr := "127.0.0.1:" + port
	server := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(),
		"--save", "", "--appendonly", "no", "--sanitize-dump-payload", "yes", "--list-max-listpack-size", "-5")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() {
		client.Close()
		server.Process.Kill()
		server.Wait()
	})
	for range 100 {
		if err = client.Ping(context.Background()).Err(); err == nil {
			return client
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal(err)
	return nil
}

// payload closes what w has as a DUMP payload: the format's version and the checksum follow the value.
func payload(w *rdb.Writer) string {
	w.WriteRaw([]byte{10, 0})
	w.WriteSum()
	return string(w.Bytes())
}

// randomElem is a text around the limits of the encodings.
func randomElem(rnd *rand.Rand) string {
	switch rnd.IntN(4) {
	case 0:
		return strconv.FormatInt(int64(rnd.Uint64())>>rnd.IntN(64), 10)
	case 1:
		n := []int{0, 20, 21, 63, 64, 125, 126, 4095, 4096, 16378}[rnd.IntN(10)]
		return strings.Repeat(string(rune('a'+rnd.IntN(26))), n)
	case 2:
		words := []string{"one ", "two ", "three ", "007", "-0", "\x00\xff"}
		var s strings.Builder
		for range rnd.IntN(60) {
			s.WriteString(words[rnd.IntN(len(words))])
		}
		return s.String()
	}
	return string(noise(200)[rnd.IntN(200):])
}

const (
	typeString       = 0
	typeIntset       = 11
	typeZsetListpack = 17
	typeQuicklist    = 18
)

var payloadOptions = rdb.WriterOptions{Compress: true, Checksum: true}

// restore gives redis the value in w as key "k".
func restore(t *testing.T, client *redis.Client, w *rdb.Writer) {
	t.Helper()
	if err := client.RestoreReplace(context.Background(), "k", 0, payload(w)).Err(); err != nil {
		t.Fatalf("redis refuses our payload: %v", err)
	}
}

// dump opens what redis gives for key "their", checks its frame and consumes the type.
func dump(t *testing.T, client *redis.Client, want byte) *rdb.Reader {
	t.Helper()
	p := []byte(client.Dump(context.Background(), "their").Val())
	if len(p) < 10 || rdb.Checksum(0, p[:len(p)-8]) != binary.LittleEndian.Uint64(p[len(p)-8:]) {
		t.Fatalf("checksum of redis's payload %x differs", p)
	}
	r := rdb.NewBytesReader(p[:len(p)-10], rdb.ReaderOptions{})
	if got := r.ReadOpcode(); got != want {
		t.Fatalf("redis dumps type %d, want %d", got, want)
	}
	return r
}

func TestStringsBothWaysWithRedis(t *testing.T) {
	ctx, client := context.Background(), startRedis(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		elem := randomElem(rnd)
		w := rdb.NewWriter(nil, payloadOptions)
		w.WriteOpcode(typeString)
		w.WriteString([]byte(elem))
		restore(t, client, w)
		if got := client.Get(ctx, "k").Val(); got != elem {
			t.Fatalf("redis read %q as %q", elem, got)
		}
		client.Set(ctx, "their", elem, 0)
		if got := dump(t, client, typeString).ReadString(nil); string(got) != elem {
			t.Fatalf("we read redis's %q as %q", elem, got)
		}
	}
}

func TestListpacksBothWaysWithRedis(t *testing.T) {
	ctx, client := context.Background(), startRedis(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	for i := range 300 {
		b, elems := packed.New(nil), []string{}
		for range 1 + i%6 {
			elem := randomElem(rnd)
			at := rnd.IntN(len(elems) + 1)
			off := packed.Index(b, at)
			if off < 0 {
				off = len(b) - 1
			}
			b, elems = packed.Insert(b, off, []byte(elem)), slices.Insert(elems, at, elem)
		}
		w := rdb.NewWriter(nil, payloadOptions)
		w.WriteOpcode(typeQuicklist)
		w.WriteLen(1)
		w.WriteLen(2) // a listpack rather than one plain element
		w.WriteString(b)
		restore(t, client, w)
		if got := client.LRange(ctx, "k", 0, -1).Val(); !slices.Equal(got, elems) {
			t.Fatalf("redis read %q as %q", elems, got)
		}
		client.Del(ctx, "their")
		client.RPush(ctx, "their", anys(elems)...)
		r := dump(t, client, typeQuicklist)
		if nodes := r.ReadLen(); nodes == 1 && r.ReadLen() == 2 {
			if got := r.ReadString(nil); string(got) != string(b) {
				t.Fatalf("list %q:\nredis has %x\nwe have   %x", elems, got, b)
			}
		}
	}
}

func TestIntsetsBothWaysWithRedis(t *testing.T) {
	ctx, client := context.Background(), startRedis(t)
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		b, numbers := packed.NewIntset(nil), []any{}
		for range 1 + rnd.IntN(50) {
			n := int64(rnd.Uint64()) >> (rnd.IntN(20) + 44*rnd.IntN(2))
			b, _ = packed.IntsetAdd(b, n)
			numbers = append(numbers, n)
		}
		client.Del(ctx, "their")
		client.SAdd(ctx, "their", numbers...)
		if got := dump(t, client, typeIntset).ReadString(nil); string(got) != string(b) {
			t.Fatalf("set %v:\nredis has %x\nwe have   %x", numbers, got, b)
		}
		w := rdb.NewWriter(nil, payloadOptions)
		w.WriteOpcode(typeIntset)
		w.WriteString(b)
		restore(t, client, w)
		size := client.SCard(ctx, "k").Val()
		if got := client.SDiff(ctx, "k", "their").Val(); len(got) != 0 || size != int64(packed.IntsetLen(b)) {
			t.Fatalf("redis read %v with other elements, %v", numbers, got)
		}
	}
}

// TestScoresAsRedisPacksThem compares the packed scores of sorted sets.
func TestScoresAsRedisPacksThem(t *testing.T) {
	ctx, client := context.Background(), startRedis(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 500 {
		score := float64(int64(rnd.Uint64()) >> rnd.IntN(64))
		switch i % 3 {
		case 1:
			score = rnd.NormFloat64() * 1000
		case 2:
			score, _ = strconv.ParseFloat(fmt.Sprintf("%de%d", rnd.IntN(1000)-500, rnd.IntN(600)-300), 64)
		}
		client.Del(ctx, "z")
		client.ZAdd(ctx, "z", redis.Z{Score: score, Member: "m"})
		p := []byte(client.Dump(ctx, "z").Val())
		r := rdb.NewBytesReader(p, rdb.ReaderOptions{})
		b := packed.AppendFloat(packed.Append(packed.New(nil), []byte("m")), score)
		if r.ReadOpcode() != typeZsetListpack || string(r.ReadString(nil)) != string(b) {
			t.Fatalf("score %v: redis has %x, we have %x", score, p, b)
		}
		if got, ok := packed.Get(b, packed.Last(b)).Float(); !ok || got != score {
			t.Fatalf("score %v came back as %v, %v", score, got, ok)
		}
	}
}

func anys(elems []string) []any {
	all := make([]any, len(elems))
	for i, elem := range elems {
		all[i] = elem
	}
	return all
}
