package rdb_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"datastore/keyspace"
	"datastore/keyspace/rdb"
	"datastore/server/servertest/freeport"
)

// redisIn runs a real redis-server whose directory is dir, and waits until it has loaded the file there. Without one the
// test is skipped: files built by hand cover the formats.
func redisIn(t *testing.T, dir string, args ...string) *redis.Client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server to compare with")
	}
	port := strconv.Itoa(freeport.Get())
	addr := "127.0.0.1:" + port
	var output bytes.Buffer
	server := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--appendonly", "no", "--enable-debug-command", "yes"}, args...)...)
	server.Stdout = &output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	t.Cleanup(func() {
		client.Close()
		server.Process.Kill()
		server.Wait()
	})
	for range 100 {
		if err = client.Ping(context.Background()).Err(); err == nil {
			return client
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%v\n%s", err, output.String())
	return nil
}

func redisDigest(t *testing.T, client *redis.Client) string {
	t.Helper()
	digest, err := client.Do(context.Background(), "DEBUG", "DIGEST").Text()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func writeDump(t *testing.T, file []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dump.rdb"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// redisDump is what redis saves.
func redisDump(t *testing.T, client *redis.Client, dir string) []byte {
	t.Helper()
	if err := client.Save(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRedisLoadsOurFile(t *testing.T) {
	for i, o := range []rdb.SaveOptions{
		{Compress: true, Checksum: true, Aux: [][2]string{{"redis-ver", "7.0.15"}, {"redis-bits", "64"}}},
		{},
	} {
		s := newStore(t, keyspace.Limits{})
		fill(s, rand.New(rand.NewPCG(4, uint64(i))), 2000)
		s.DB(7).SetStr([]byte("big"), bytes.Repeat([]byte("0123456789abcdef"), 1<<17))
		l, _ := s.DB(7).List([]byte("large elements"))
		for _, n := range []int{1, 8 << 10, 300_000, 2, 70_000} {
			l.Push(keyspace.Tail, bytes.Repeat([]byte("x"), n))
		}
		file := save(t, s, o)
		dir := writeDump(t, file)
		client := redisIn(t, dir, "--sanitize-dump-payload", "yes")
		want := s.Digest()
		if got := redisDigest(t, client); got != fmt.Sprintf("%x", want) {
			t.Fatalf("%+v: redis has digest %s, we %x", o, got, want)
		}
		if path, err := exec.LookPath("redis-check-rdb"); err == nil {
			if out, err := exec.Command(path, filepath.Join(dir, "dump.rdb")).CombinedOutput(); err != nil {
				t.Fatalf("redis-check-rdb: %v\n%s", err, out)
			}
		}
		// and back again, as redis writes the same data
		c := newStore(t, keyspace.Limits{})
		load(t, redisDump(t, client, dir), c, rdb.LoadOptions{NowMs: nowMs})
		sameDigest(t, "through redis", c.Digest(), want)
	}
}

// populate enters all kinds of values over the wire.
func populate(t *testing.T, client *redis.Client, rnd *rand.Rand, n int) {
	t.Helper()
	ctx, pipe := context.Background(), client.Pipeline()
	for i := range n {
		key := fmt.Sprintf("key:%d", i)
		size := 1 + rnd.IntN(1<<rnd.IntN(9))
		pipe.Do(ctx, "SELECT", rnd.IntN(16))
		for j := range size {
			elem := randomElem(rnd)
			switch i % 6 {
			case 0:
				pipe.Set(ctx, key, elem, 0)
			case 1:
				pipe.RPush(ctx, key, elem)
			case 2:
				pipe.SAdd(ctx, key, elem)
			case 3:
				pipe.SAdd(ctx, key, int64(rnd.Uint64())>>rnd.IntN(64))
			case 4:
				pipe.ZAdd(ctx, key, redis.Z{Score: randomScore(rnd), Member: elem[:min(len(elem), 60+j)]})
			case 5:
				pipe.HSet(ctx, key, "field"+strconv.Itoa(j), elem[:min(len(elem), 60+j%6)])
			}
		}
		if rnd.IntN(3) == 0 {
			pipe.PExpire(ctx, key, time.Hour+time.Duration(rnd.IntN(1e9)))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestWeLoadRedissFile(t *testing.T) {
	for i, args := range [][]string{
		nil,
		{"--rdbcompression", "no", "--rdbchecksum", "no", "--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"},
		{"--list-max-listpack-size", "4", "--hash-max-listpack-entries", "10", "--zset-max-listpack-value", "5",
			"--set-max-intset-entries", "7", "--maxmemory-policy", "allkeys-lfu", "--maxmemory", "1gb"},
		{"--list-compress-depth", "1", "--list-max-listpack-size", "-1"},
	} {
		dir := t.TempDir()
		client := redisIn(t, dir, args...)
		if i > 0 { // elements in nodes of their own
			client.Do(context.Background(), "DEBUG", "QUICKLIST-PACKED-THRESHOLD", "100b")
		}
		populate(t, client, rand.New(rand.NewPCG(5, uint64(i))), 600)
		s := newStore(t, keyspace.Limits{})
		aux := map[string]string{}
		info := load(t, redisDump(t, client, dir), s, rdb.LoadOptions{
			NowMs: time.Now().UnixMilli(), Aux: func(name, value string) { aux[name] = value },
		})
		s.BeginUnit(time.Now().UnixMilli(), keyspace.ExpireDelete)
		if got, want := fmt.Sprintf("%x", s.Digest()), redisDigest(t, client); got != want {
			t.Fatalf("%v: we have digest %s, redis %s", args, got, want)
		}
		if info.Keys < 500 || info.Expired != 0 || !strings.HasPrefix(aux["redis-ver"], "7.") || aux["redis-bits"] != "64" {
			t.Fatalf("%v: %+v, aux fields %v", args, info, aux)
		}
	}
}

func TestDumpAndRestoreWithRedis(t *testing.T) {
	ctx, client := context.Background(), redisIn(t, t.TempDir(), "--sanitize-dump-payload", "yes")
	s, back := newStore(t, keyspace.Limits{}), newStore(t, keyspace.Limits{})
	fill(s, rand.New(rand.NewPCG(6, 1)), 300)
	for i := range s.Databases() {
		d, to := s.DB(i), back.DB(i)
		for e := range d.All() {
			key := string(e.Key())
			if err := client.RestoreReplace(ctx, key, 0, string(dumped(t, e))).Err(); err != nil {
				t.Fatalf("redis refuses %s %q: %v", e.Encoding(), key, err)
			}
			payload, err := client.Dump(ctx, key).Bytes()
			if err != nil {
				t.Fatal(err)
			}
			meta := keyspace.Meta{ExpireMs: e.ExpireAt()}
			if err := rdb.Restore(to, []byte(key), payload, meta); err != nil {
				t.Fatalf("redis's payload of %s %q: %v", e.Encoding(), key, err)
			}
			if to.Peek([]byte(key)).Digest() != e.Digest() {
				t.Fatalf("%s %q came back from redis with another digest", e.Encoding(), key)
			}
		}
	}
	sameDigest(t, "all through DUMP and RESTORE", back.Digest(), s.Digest())
}

// TestEncodingsAfterLoad compares what a file becomes where the limits are others than where it was written.
func TestEncodingsAfterLoad(t *testing.T) {
	from := newStore(t, keyspace.Limits{})
	fill(from, rand.New(rand.NewPCG(8, 1)), 500)
	high := newStore(t, keyspace.Limits{ListNode: -2, HashEntries: 1, ZSetEntries: 1, StringBytes: 1 << 20})
	fill(high, rand.New(rand.NewPCG(8, 2)), 500)
	for _, c := range []struct {
		file   []byte
		limits keyspace.Limits
		args   []string
	}{
		{save(t, from, rdb.SaveOptions{}), keyspace.Limits{ListNode: -2, HashEntries: 20, HashValueBytes: 5, ZSetEntries: 20,
			ZSetValueBytes: 5, IntsetEntries: 20, StringBytes: 1 << 20},
			[]string{"--hash-max-listpack-entries", "20", "--hash-max-listpack-value", "5", "--zset-max-listpack-entries", "20",
				"--zset-max-listpack-value", "5", "--set-max-intset-entries", "20"}},
		{save(t, high, rdb.SaveOptions{}), keyspace.DefaultLimits(), nil},
	} {
		s := newStore(t, c.limits)
		load(t, c.file, s, rdb.LoadOptions{})
		client := redisIn(t, writeDump(t, c.file), c.args...)
		for i := range s.Databases() {
			pipe := client.Pipeline()
			pipe.Do(context.Background(), "SELECT", i)
			var entries []keyspace.Entry
			var got []*redis.StringCmd
			for e := range s.DB(i).All() {
				entries = append(entries, e)
				got = append(got, pipe.ObjectEncoding(context.Background(), string(e.Key())))
			}
			if _, err := pipe.Exec(context.Background()); err != nil {
				t.Fatal(err)
			}
			for j, e := range entries {
				if got[j].Val() != e.Encoding() {
					t.Errorf("%s of %d elements: redis has %s, we %s", e.Type(), e.Len(), got[j].Val(), e.Encoding())
				}
			}
		}
	}
}
