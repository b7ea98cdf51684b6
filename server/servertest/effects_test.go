package servertest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

// workload runs every command of the differential scripts of the data types, errors included, and empties nothing but what
// the scripts themselves empty, so that a large and odd dataset is left.
func workload(t *testing.T, s *servertest.Server) {
	t.Helper()
	files, err := filepath.Glob("../builtin/testdata/diff/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	c := s.Dial()
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Must("SELECT", "0")
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			args, err := servertest.SplitArgs(line)
			if err != nil || len(args) == 0 {
				continue // a script may hold lines that are wrong on purpose
			}
			switch strings.ToUpper(args[0]) {
			case "FLUSHALL", "FLUSHDB", "CONFIG", "DEBUG", "CLIENT", "HELLO", "RESET", "QUIT", "SHUTDOWN":
				continue
			}
			c.Do(args...)
		}
	}
}

// TestEffectsReproduceTheDataset runs a large workload and compares the dataset with what its effects give: after kill -9
// and a restart from the AOF, on a replica, after DEBUG RELOAD, and in a real redis-server that loads our files.
func TestEffectsReproduceTheDataset(t *testing.T) {
	// The same limits everywhere: a score of -0 becomes 0 in a listpack, in Redis as well.
	limits := []string{"--enable-debug-command", "yes", "--hash-max-listpack-entries", "8", "--zset-max-listpack-entries", "8",
		"--set-max-intset-entries", "8"}
	s := servertest.Start(t, append(limits, "--appendonly", "yes")...)
	replica := servertest.Start(t, append(limits, "--replicaof", fmt.Sprint("127.0.0.1 ", s.Port))...)
	replica.Eventually("the link is up", 10*time.Second, func() bool { return replica.Info("master_link_status") == "up" })
	workload(t, s)
	s.Must("DEBUG", "SET-ACTIVE-EXPIRE", "0")
	if n := s.Must("WAIT", "1", "10000").Int; n != 1 {
		t.Fatalf("WAIT answers %d", n)
	}
	digest := s.Digest()
	if got := replica.Digest(); got != digest {
		t.Errorf("replica has %s, primary %s", got, digest)
	}
	s.MustSurviveReload()
	digest = s.Digest()
	s.Kill()
	oracle := servertest.StartWith(t, servertest.Options{Program: servertest.RedisPath(t), Dir: copyOf(t, s.Dir),
		Directives: append(limits, "--appendonly", "yes")})
	if got := oracle.Digest(); got != digest {
		t.Errorf("redis-server reads %s from our append only file, we had %s", got, digest)
	}
	s.Restart()
	if got := s.Digest(); got != digest {
		t.Errorf("after kill -9 and restart %s, before %s", got, digest)
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
