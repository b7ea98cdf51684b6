package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

// TestProfiles: profiles tell what commands of modules cost, and are files that were not there before.
func TestProfiles(t *testing.T) {
	s := servertest.Start(t, "--enable-debug-command", "yes", "--loadmodule", servertest.BuildModule(t, "plugins/helloworld"))
	c := s.Dial()
	wantReply(t, c, "DEBUG PROFILE STOP", "(error) ERR no profile is being taken")
	for _, args := range []string{"CPU", "HEAP", "STOP x", "NOSUCH", "CPU a b"} {
		if r := c.Do(strings.Fields("DEBUG PROFILE " + args)...); !r.IsError() {
			t.Errorf("DEBUG PROFILE %s: %s", args, r)
		}
	}
	wantReply(t, c, "DEBUG PROFILE CPU ../x", "(error) ERR the name of a profile can't be a path, just a filename")
	wantReply(t, c, "DEBUG PROFILE HEAP ..", "(error) ERR the name of a profile can't be a path, just a filename")
	if err := os.WriteFile(filepath.Join(s.Dir, "taken"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantReply(t, c, "DEBUG PROFILE CPU taken", "(error) ERR creating the profile: File exists")

	wantReply(t, c, "DEBUG PROFILE CPU cpu.pprof", "OK")
	wantReply(t, c, "DEBUG PROFILE CPU other.pprof", "(error) ERR taking a profile: cpu profiling already in use")
	batch := make([][]string, 10) // of commands that spend their time in the handler, where a sample finds them
	for i := range batch {
		batch[i] = []string{"HELLO.RAND.ARRAY", "10000"}
	}
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond; {
		c.Pipeline(batch...)
	}
	wantReply(t, c, "DEBUG PROFILE STOP", "OK")
	s.WaitLog("The profile cpu.pprof is complete", 10*time.Second)
	text := unzipped(t, filepath.Join(s.Dir, "cpu.pprof"))
	for _, want := range []string{"module", "helloworld", "command", "hello.rand.array", "samples"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the profile has no %q", want)
		}
	}
	wantReply(t, c, "DEBUG PROFILE HEAP heap.pprof", "OK")
	if text := unzipped(t, filepath.Join(s.Dir, "heap.pprof")); !bytes.Contains(text, []byte("inuse_space")) {
		t.Error("the heap profile has no inuse_space")
	}
	if names, _ := filepath.Glob(filepath.Join(s.Dir, "other*")); len(names) > 0 {
		t.Errorf("%q were left", names)
	}
	if mine, _ := os.ReadFile(filepath.Join(s.Dir, "taken")); string(mine) != "mine" {
		t.Errorf("a file was overwritten: %q", mine)
	}
	wantReply(t, c, "DEBUG PROFILE CPU last.pprof", "OK") // the end of the server completes it
	s.Terminate()
	unzipped(t, filepath.Join(s.Dir, "last.pprof"))
}

func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return text
}
