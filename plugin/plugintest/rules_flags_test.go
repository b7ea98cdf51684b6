package plugintest

import (
	"slices"
	"strings"
	"testing"

	"datastore/plugin"
)

// flagged is a module with a command for each word, "f.WORD", whose only flag is that, and f.plain, which has none.
func flagged(ctx plugin.Ctx, _ []plugin.String) error {
	if err := ctx.Init("flagged", 1, plugin.APIVer2); err != nil {
		return err
	}
	done := func(ctx plugin.Ctx, _ []plugin.String) error {
		if ctx.IsKeysPositionRequest() {
			return nil
		}
		return ctx.ReplyStatus("done")
	}
	for _, word := range strings.Fields("write readonly deny-oom fast blocking admin pubsub deny-script allow-loading " +
		"allow-stale no-auth getkeys-api no-monitor no-slowlog may-replicate allow-busy no-cluster random") {
		if err := ctx.CreateCommand("f."+word, done, plugin.Flags(word, 0, 0, 0)); err != nil {
			return err
		}
	}
	if err := ctx.CreateCommand("f.no-mandatory-keys", done, plugin.Flags("getkeys-api no-mandatory-keys", 0, 0, 0)); err != nil {
		return err
	}
	script := func(ctx plugin.Ctx, args []plugin.String) error {
		r, err := ctx.Call(args[1].String(), "S")
		if err != nil {
			return err
		}
		return ctx.ReplyReply(r)
	}
	if err := ctx.CreateCommand("f.script", script); err != nil {
		return err
	}
	return ctx.CreateCommand("f.plain", done)
}

// TestFlagsDecideWhoRuns: for each of these flags there is a moment at which a command that has it runs and another one is
// refused, or the other way round.
//
// Rules: CMD-2.
func TestFlagsDecideWhoRuns(t *testing.T) {
	t.Parallel()
	s := New(t, flagged, Options{Replica: true, ReplicaModule: flagged})
	r := s.Replica()
	r.Do("F.WRITE").WantErr("READONLY You can't write against a read only replica.")
	r.Do("F.PLAIN").Want("done")
	s.Do("F.WRITE").Want("done")

	s.Do("F.SCRIPT", "f.deny-script").WantErr("not allowed in script mode")
	s.Do("F.SCRIPT", "f.plain").Want("done")
	s.Do("F.DENY-SCRIPT").Want("done")

	s.Do("COMMAND", "GETKEYS", "F.GETKEYS-API", "x").WantErr("Invalid arguments specified for command")
	s.Do("COMMAND", "GETKEYS", "F.PLAIN", "x").WantErr("The command has no key arguments")
	s.Do("COMMAND", "GETKEYS", "F.NO-MANDATORY-KEYS", "x").Want([]any{})

	s.Do("CONFIG", "SET", "maxmemory", 1).Want("OK")
	s.Do("F.DENY-OOM").WantErr("OOM command not allowed when used memory > 'maxmemory'.")
	s.Do("F.WRITE").Want("done")
	s.Do("CONFIG", "SET", "maxmemory", 0).Want("OK")
	s.Do("F.DENY-OOM").Want("done")

	stranger := s.Client()
	s.Do("CONFIG", "SET", "requirepass", "secret").Want("OK")
	stranger.Do("RESET").Want("RESET")
	stranger.Do("F.NO-AUTH").Want("done")
	stranger.Do("F.PLAIN").WantErr("NOAUTH Authentication required.")
	s.Do("CONFIG", "SET", "requirepass", "").Want("OK")

	r = New(t, flagged, Options{})
	r.Do("CONFIG", "SET", "replica-serve-stale-data", "no").Want("OK")
	r.Do("REPLICAOF", "127.0.0.1", 1).Want("OK")
	r.Do("F.ALLOW-STALE").Want("done")
	r.Do("F.PLAIN").WantErr("MASTERDOWN")
	r.Do("REPLICAOF", "NO", "ONE").Want("OK")
	r.Do("F.PLAIN").Want("done")
}

// TestSlowLogFlag: commands of modules, and those that they call, are in the slow log, but for those that do not want to be.
//
// Rules: CMD-2.
func TestSlowLogFlag(t *testing.T) {
	t.Parallel()
	s := New(t, flagged, Options{})
	s.Do("CONFIG", "SET", "slowlog-log-slower-than", 0).Want("OK")
	s.Do("SLOWLOG", "RESET").Want("OK")
	for _, command := range [][]any{{"F.PLAIN", "x"}, {"F.NO-SLOWLOG"}, {"F.SCRIPT", "f.no-slowlog"}, {"F.SCRIPT", "f.plain"}} {
		s.Do(command...).Want("done")
	}
	var got []string
	for _, e := range s.Do("SLOWLOG", "GET").Elems() {
		var words []string
		for _, a := range e.Elems()[3].Elems() {
			words = append(words, a.Text())
		}
		got = append(got, strings.Join(words, " "))
		if e.Elems()[4].Text() == "" {
			t.Errorf("%q has no address", words)
		}
	}
	want := []string{"F.SCRIPT f.plain", "f.plain", "F.SCRIPT f.no-slowlog", "F.PLAIN x", "SLOWLOG RESET"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFlagsAreCategories: access control lists know the categories that come with a flag, COMMAND INFO the flag.
//
// Rules: CMD-2.
func TestFlagsAreCategories(t *testing.T) {
	t.Parallel()
	s := New(t, flagged, Options{})
	for word, want := range map[string]struct{ flags, categories string }{
		"write": {"write", "@write @slow"}, "readonly": {"readonly", "@read @slow"}, "deny-oom": {"denyoom", "@slow"},
		"fast": {"fast", "@fast"}, "blocking": {"blocking", "@slow @blocking"}, "admin": {"admin", "@admin @slow @dangerous"},
		"pubsub": {"pubsub", "@pubsub @slow"}, "deny-script": {"noscript", "@slow"}, "allow-loading": {"loading", "@slow"},
		"allow-stale": {"stale", "@slow"}, "no-auth": {"no_auth", "@slow"}, "getkeys-api": {"movablekeys", "@slow"},
		"no-monitor": {"skip_monitor", "@slow"}, "no-slowlog": {"skip_slowlog", "@slow"}, "may-replicate": {"may_replicate", "@slow"},
		"allow-busy": {"allow_busy", "@slow"}, "no-cluster": {"", "@slow"}, "random": {"", "@slow"}, "plain": {"", "@slow"},
	} {
		info := s.Do("COMMAND", "INFO", "f."+word).Elems()[0].Elems()
		texts := func(r Reply) (all []string) {
			for _, e := range r.Elems() {
				all = append(all, e.Text())
			}
			return all
		}
		got := texts(info[2])
		if i := slices.Index(got, "module"); i < 0 || strings.Join(slices.Delete(got, i, i+1), " ") != want.flags {
			t.Errorf("%s: flags %q", word, got)
		}
		if got := strings.Join(texts(info[6]), " "); got != want.categories {
			t.Errorf("%s: categories %q, want %q", word, got, want.categories)
		}
	}
}
