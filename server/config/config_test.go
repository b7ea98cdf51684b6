package config

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const sampleFile = `# A file as people have it.
hz 10
log-format json

# Snapshots
save 100 1

save 200 2
slave-priority 50
   maxmemory   1gb
client-output-buffer-limit normal 0 0 0
requirepass ""
latency-tracking-info-percentiles 50 99
hash-max-ziplist-entries 100
masterauth 'it\'s "x"'
`

func load(t *testing.T, args ...string) *Config {
	t.Helper()
	c, err := Load(args, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	fields := make(map[any]string)
	var v Values
	for i, d := range table {
		if i > 0 && table[i-1].name >= d.name {
			t.Errorf("%s is not in order of name", d.name)
		}
		for _, name := range []string{d.name, d.alias} {
			if name != "" && (seen[name] || name != strings.ToLower(name)) {
				t.Errorf("%s is declared twice or not in lower case", name)
			}
			seen[name] = true
		}
		if d.field != nil {
			if other, used := fields[d.field(&v)]; used {
				t.Errorf("%s and %s share a field", d.name, other)
			}
			fields[d.field(&v)] = d.name
		} else if d.flags&(noEffect|granted|fileOnly) == 0 {
			t.Errorf("%s has no field, so it cannot be in force", d.name)
		}
		checkDefault(t, &table[i])
	}
}

// checkDefault asserts that a default is a value the directive accepts, in the
// form CONFIG GET shows.
func checkDefault(t *testing.T, d *directive) {
	t.Helper()
	if d.def == "" || d.flags&fileOnly != 0 {
		return
	}
	words := []string{d.def}
	if d.kind.multi() {
		words = strings.Split(d.def, " ")
	}
	if got, err := d.kind.parse(input{words: words, old: d.def}); err != nil || got != d.def {
		t.Errorf("%s: default %q reads as %q, %v", d.name, d.def, got, err)
	}
}

// Every exported field of Values is filled by a directive.
func TestEveryValueHasADirective(t *testing.T) {
	var v Values
	filled := map[any]bool{&v.ModuleConfigs: true} // the loader fills it itself
	for _, d := range table {
		if d.field != nil {
			filled[d.field(&v)] = true
		}
	}
	rv := reflect.ValueOf(&v).Elem()
	for i := range rv.NumField() {
		p := rv.Field(i).Addr()
		plain := p.Interface()
		if p.Elem().Kind() == reflect.Int {
			plain = p.Convert(reflect.TypeFor[*int]()).Interface()
		}
		if !filled[plain] {
			t.Errorf("no directive fills %s", rv.Type().Field(i).Name)
		}
	}
}

// The typed constants follow the order of the names.
func TestTypedNames(t *testing.T) {
	c := New()
	for _, tc := range []struct {
		name, value string
		field       func(*Values) int
		want        int
	}{
		{"appendfsync", "always", func(v *Values) int { return int(v.AppendFsync) }, int(FsyncAlways)},
		{"appendfsync", "everysec", func(v *Values) int { return int(v.AppendFsync) }, int(FsyncEverySec)},
		{"appendfsync", "no", func(v *Values) int { return int(v.AppendFsync) }, int(FsyncNo)},
		{"loglevel", "warning", func(v *Values) int { return int(v.LogLevel) }, int(LogWarning)},
		{"loglevel", "verbose", func(v *Values) int { return int(v.LogLevel) }, int(LogVerbose)},
		{"log-format", "json", func(v *Values) int { return int(v.LogFormat) }, int(LogJSON)},
		{"supervised", "systemd", func(v *Values) int { return int(v.Supervised) }, int(SupervisedSystemd)},
		{"supervised", "no", func(v *Values) int { return int(v.Supervised) }, int(SupervisedNo)},
		{"enable-debug-command", "local", func(v *Values) int { return int(v.EnableDebugCommand) }, int(AccessLocal)},
		{"enable-module-command", "yes", func(v *Values) int { return int(v.EnableModuleCommand) }, int(AccessYes)},
		{"maxmemory-policy", "volatile-ttl", func(v *Values) int { return int(v.MaxMemoryPolicy) }, int(VolatileTTL)},
		{"maxmemory-policy", "allkeys-random", func(v *Values) int { return int(v.MaxMemoryPolicy) }, int(AllKeysRandom)},
		{"maxmemory-policy", "noeviction", func(v *Values) int { return int(v.MaxMemoryPolicy) }, int(NoEviction)},
		{"shutdown-on-sigterm", "save", func(v *Values) int { return int(v.ShutdownOnSIGTERM) }, int(ShutdownSave)},
		{"shutdown-on-sigterm", "nosave", func(v *Values) int { return int(v.ShutdownOnSIGTERM) }, int(ShutdownNoSave)},
		{"shutdown-on-sigterm", "default", func(v *Values) int { return int(v.ShutdownOnSIGTERM) }, 0},
		{"unixsocketperm", "755", func(v *Values) int { return v.UnixSocketPerm }, 0o755},
	} {
		if err := c.Assign(tc.name, tc.value); err != nil {
			t.Fatal(err)
		}
		if got := tc.field(c.Values()); got != tc.want {
			t.Errorf("%s %s is %d, want %d", tc.name, tc.value, got, tc.want)
		}
	}
	if err := c.Assign("shutdown-on-sigint", "force", "now"); err != nil {
		t.Fatal(err)
	}
	if got := c.Values().ShutdownOnSIGINT; got != ShutdownNow|ShutdownForce {
		t.Errorf("now force is %b", got)
	}
}

func TestTypedValues(t *testing.T) {
	_, file := inDir(t, sampleFile)
	v := load(t, file, "--bind", "127.0.0.1", "-::1", "--replicaof", "example.org", "6380", "--loadmodule", "/m.so", "a b", "c",
		"--loadmodule", "/n.so x", "--maxmemory", "99999999999999999999", "--mod.opt", "1", "2", "--rename-command", "DEBUG", "").Values()
	for _, tc := range []struct{ got, want any }{
		{v.Bind, []string{"127.0.0.1", "-::1"}},
		{v.ReplicaOf, ReplicaOf{"example.org", 6380}},
		{v.LoadModules, [][]string{{"/m.so", "a b", "c"}, {"/n.so", "x"}}},
		{v.ModuleConfigs, [][]string{{"mod.opt", "1", "2"}}},
		{v.RenameCommands, [][]string{{"DEBUG", ""}}},
		{v.Save, []SavePoint{{100, 1}, {200, 2}}},
		{v.MaxMemoryBytes, int64(1<<63 - 1)},
		{v.HashMaxListpackEntries, int64(100)},
		{v.ReplicaPriority, 50},
		{v.MasterAuth, `it's "x"`},
		{v.LogFormat, LogJSON},
		{v.OutputBufferLimits, OutputBufferLimits{
			Replica: OutputBufferLimit{256 << 20, 64 << 20, 60}, PubSub: OutputBufferLimit{32 << 20, 8 << 20, 60}}},
	} {
		if !reflect.DeepEqual(tc.got, tc.want) {
			t.Errorf("got %v, want %v", tc.got, tc.want)
		}
	}
	if got := New().Values().OutputBufferLimits.Normal.HardBytes; got != 1<<30 {
		t.Errorf("normal clients may keep %d bytes by default", got)
	}
}

func TestSetIsAllOrNothing(t *testing.T) {
	c := New()
	var log []string
	record := func(name string, fail error) {
		c.OnChange(name, func(old, new string) error {
			log = append(log, name+" "+old+" "+new)
			return fail
		})
	}
	record("hz", nil)
	record("timeout", nil)
	record("port", errors.New("address already in use"))
	err := c.Set([][2]string{{"hz", "20"}, {"timeout", "0"}, {"Port", "7000"}, {"maxmemory", "1gb"}}, Remote)
	want := "ERR CONFIG SET failed (possibly related to argument 'port') - address already in use"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if want := []string{"hz 10 20", "port 6379 7000", "hz 20 10"}; !slices.Equal(log, want) {
		t.Errorf("appliers ran as %q, want %q", log, want)
	}
	if v := c.Values(); v.Hz != 10 || v.Port != 6379 || v.MaxMemoryBytes != 0 {
		t.Errorf("values changed: %d %d %d", v.Hz, v.Port, v.MaxMemoryBytes)
	}
	_ = c.Set([][2]string{{"hz", "20"}, {"hash-max-listpack-value", "x"}}, Remote)
	if c.Values().Hz != 10 {
		t.Error("a value was kept although a later one was refused")
	}
}

func TestProtectedConfigs(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		access string
		from   Origin
		want   bool
	}{{"no", Local, false}, {"no", Remote, false}, {"local", Local, true}, {"local", Remote, false}, {"yes", Remote, true}} {
		c := load(t, "--enable-protected-configs", tc.access)
		got := setReply(c, tc.from, "dir", dir)
		if (got == "OK") != tc.want {
			t.Errorf("enable-protected-configs %s, origin %d: %s", tc.access, tc.from, got)
		}
	}
}

// What is refused although Redis accepts it, because it wraps or truncates
// there without a word.
func TestStricterThanRedis(t *testing.T) {
	for _, args := range [][]string{
		{"--maxmemory", "99999999999gb"}, {"--save", "1", "4294967296"}, {"--save", "99999999999999999999", "1"},
		{"--maxmemory-clients", "99999999999999999999"}, {"--latency-tracking-info-percentiles", "0x10"},
	} {
		if _, err := Load(args, nil); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}

func TestInclude(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir + "/" + name
	}
	write("d1.inc", "hz 11\nsave 1 1\n")
	write("d2.inc", "hz 12\ntimeout 5\n")
	main := write("main.conf", "hz 1\ninclude "+dir+"/d*.inc\ninclude "+dir+"/none*.inc\nsave 2 2\n")
	c := load(t, main)
	if v := c.Values(); v.Hz != 12 || v.TimeoutSec != 5 || len(v.Save) != 2 {
		t.Errorf("hz %d, timeout %d, save %v", v.Hz, v.TimeoutSec, v.Save)
	}

	for _, tc := range []struct{ content, want string }{
		{"include " + dir + "/missing.inc", "can't open config file '" + dir + "/missing.inc': No such file or directory"},
		{"include " + write("bad.inc", "\nhz x\n"), dir + "/bad.inc, line 2, 'hz x': argument couldn't be parsed into an integer"},
		{"include " + dir + "/self.conf", "include is nested deeper than 16 files"},
	} {
		_, err := Load([]string{write("self.conf", tc.content+"\n")}, nil)
		var parse *ParseError
		if !errors.As(err, &parse) || !strings.HasSuffix(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.content, err)
		}
	}
}

func TestStdin(t *testing.T) {
	_, file := inDir(t, "hz 20\ntimeout 1\n")
	for _, args := range [][]string{{"-"}, {file, "-"}, {"-", "--timeout", "3"}, {"--timeout", "3", "-"}} {
		c, err := Load(args, strings.NewReader("hz 30\n"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Values().Hz != 30 || (len(args) == 3) != (c.Values().TimeoutSec == 3) {
			t.Errorf("%q: hz %d, timeout %d", args, c.Values().Hz, c.Values().TimeoutSec)
		}
	}
	_, err := Load([]string{file, "-"}, strings.NewReader("\n hz x"))
	want := "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 4\n" +
		">>> 'hz x'\nargument couldn't be parsed into an integer\nin standard input\n"
	var parse *ParseError
	if !errors.As(err, &parse) || parse.Block("7.0.15") != want {
		t.Errorf("got %v", err)
	}
}

func TestWarnings(t *testing.T) {
	c := load(t, "--io-threads", "4", "--activedefrag", "no", "--hz", "50", "--maxmemory-policy", "allkeys-lru")
	got := strings.Join(c.Warnings(), "\n")
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, "'io-threads'") || !strings.Contains(got, "'maxmemory-policy'") {
		t.Errorf("warnings: %s", got)
	}
	if got := setReply(c, Remote, "maxmemory-policy", "allkeys-lfu", "lazyfree-lazy-expire", "yes", "oom-score-adj", "yes"); got != "OK" {
		t.Fatal(got)
	}
	if got := c.Warnings(); len(got) != 1 || !strings.Contains(got[0], "'oom-score-adj'") {
		t.Errorf("warnings after CONFIG SET: %q", got)
	}
}

func TestSensitive(t *testing.T) {
	c := New()
	for name, want := range map[string]bool{"requirepass": true, "MasterAuth": true, "user": true, "hz": false, "nope": false} {
		if c.Sensitive(name) != want {
			t.Errorf("Sensitive(%s) is %v", name, !want)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add(sampleFile)
	for content := range strings.SplitSeq(badFiles, "\n---\n") {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if strings.Contains(strings.ToLower(content), "include") || strings.ContainsAny(content, "?[*") {
			return // no reading of arbitrary files
		}
		c := New()
		if c.readText(source{name: "fuzz", line: 1}, content) != nil {
			return
		}
		again := New()
		rewritten := c.rewritten(content)
		if err := again.readText(source{name: "rewritten", line: 1}, rewritten); err != nil {
			t.Fatalf("%q was read, what it is rewritten to is not: %v\n%s", content, err, rewritten)
		}
		if !slices.Equal(c.text, again.text) {
			for i := range c.text {
				if c.text[i] != again.text[i] {
					t.Errorf("%s: %q became %q", table[i].name, c.text[i], again.text[i])
				}
			}
		}
	})
}

func FuzzSplitWords(f *testing.F) {
	f.Add(`a "b\x41\n" 'c\'d' e"f"`)
	f.Fuzz(func(t *testing.T, line string) {
		words, ok := splitWords(line)
		if !ok {
			return
		}
		again, ok := splitWords(joinWords(words))
		if !ok || !slices.Equal(words, again) {
			t.Fatalf("%q joined and split is %q", words, again)
		}
	})
}
