package plugintest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"datastore/plugin"
	"datastore/server/resp"
)

const (
	fuzzSeeds  = 12  // programs that go test runs without -fuzz
	seedBytes  = 400 // of each of them
	fuzzSteps  = 120 // commands of one program
	fuzzRecent = 25  // commands that a message shows
	maxExtra   = 4   // arguments beyond those that a command demands
)

// Fuzz runs the module's commands in random order with random arguments: names of keys of every type, numbers at the edges,
// texts, the tokens of CommandSpec.Args, and Options.Words. Between them come commands of the daemon that change the same
// keys, transactions, and time; in half of the programs small collections have the encoding of large ones. After each
// command the server must live, the reply must be well-formed and the only one, the module must not have broken a rule of
// the SDK, and a replica must be equal, which has a module only if Options say so. After the last one a reload and a replay
// of the append-only file must give the same data.
//
//	func FuzzCommands(f *testing.F) { plugintest.Fuzz(f, OnLoad, plugintest.Options{}) }
//
// "go test" runs a few fixed programs, "go test -fuzz FuzzCommands -fuzzminimizetime 1x" looks for more. Every program has
// a server of its own. Without the second flag go test tries for a minute to shorten each program that reaches new code,
// in vain, because a server never takes quite the same way twice.
//
// Handlers must be deterministic for the replica to be equal, or replicate what they decided; random replies are fine.
func Fuzz(f *testing.F, onLoad plugin.OnLoadFunc, o Options) {
	f.Helper()
	o.Replica, o.AOF = true, true
	for _, program := range seedPrograms() {
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) { runProgram(t, onLoad, o, program) })
}

// seedPrograms are random, and the same each time.
func seedPrograms() [][]byte {
	rnd := rand.NewChaCha8([32]byte{1})
	list := make([][]byte, fuzzSeeds)
	for i := range list {
		list[i] = make([]byte, seedBytes)
		_, _ = rnd.Read(list[i]) // it never fails
	}
	return list
}

// runProgram runs one program from its beginning to its end, or to the first failure.
func runProgram(t testing.TB, onLoad plugin.OnLoadFunc, o Options, program []byte) {
	t.Helper()
	z := &fuzzing{t: t, program: program}
	if z.below(2) == 1 {
		o.Config = append(fuzzLimits[:len(fuzzLimits):len(fuzzLimits)], o.Config...)
	}
	z.s = New(t, onLoad, o)
	defer func() { // also when the test is being ended
		if t.Failed() {
			t.Logf("the last commands were:\n%s", indent(strings.Join(z.recent(), "\n")))
		}
	}()
	z.prepare()
	for len(z.program) > 0 && z.steps < fuzzSteps && !t.Failed() {
		z.step()
	}
	if !t.Failed() {
		z.s.Reload()
		z.s.ReplayAOF(o.ReplicaModule)
	}
}

// fuzzing is the run of one program: bytes that decide what happens, so that a small change of it is a small change of
// what happens.
type fuzzing struct {
	t        testing.TB
	s        *Server
	program  []byte
	words    []string
	steps    int
	commands []fuzzCommand
	clients  [2]*Client // in RESP2 and RESP3
	done     []string
}

// fuzzCommand is what COMMAND INFO tells of a command of the module.
type fuzzCommand struct {
	words             []string // the name, and that of a subcommand
	arity             int
	first, last, step int
}

// fuzzKeys are the keys of a program, with what they hold at its beginning.
var fuzzKeys = [][]string{
	{"none"}, {"none2"},
	{"text", "SET", "some text"}, {"number", "SET", "41"}, {"binary", "SET", "\x00\xff\r\n$5"},
	{"list", "RPUSH", "a", "10", "-3", ""}, {"list2", "RPUSH", "b"},
	{"hash", "HSET", "f", "1", "g", "x"}, {"set", "SADD", "a", "b", "c"}, {"ints", "SADD", "1", "2", "3"},
	{"zset", "ZADD", "1", "a", "1", "b", "2.5", "c"}, {"short", "SETEX", "5", "x"},
}

// fuzzLimits give small collections the encoding of large ones.
var fuzzLimits = []string{
	"hash-max-listpack-entries 1", "zset-max-listpack-entries 1", "set-max-intset-entries 1", "list-max-listpack-size 2",
}

// fuzzBuiltins are commands of the daemon, with "<key>", "<word>" and "<n>" for what is to be chosen.
var fuzzBuiltins = [][]string{
	{"DEL", "<key>"}, {"SET", "<key>", "<word>"}, {"LPUSH", "<key>", "<word>", "<word>"}, {"HSET", "<key>", "<word>", "<word>"},
	{"SADD", "<key>", "<word>", "<word>"}, {"ZADD", "<key>", "<n>", "<word>"}, {"EXPIRE", "<key>", "<n>"}, {"PERSIST", "<key>"},
	{"RENAME", "<key>", "<key>"}, {"COPY", "<key>", "<key>", "REPLACE"}, {"LTRIM", "<key>", "0", "<n>"}, {"SELECT", "1"},
	{"SELECT", "0"},
}

// fuzzWords are arguments that code tends to treat in a special way.
var fuzzWords = []string{
	"0", "1", "-1", "2", "3", "10", "100", "-0", "007", "+1", "1.5", "-2.25", "1e3", "inf", "-inf", "nan", "0x10", "",
	"a", "f", " ", "some words", "\x00", "\r\n", "é", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
	"18446744073709551615", "1048576", "(1", "[a", "-", "+", "*", "-10", "65", "1000",
}

// prepare finds the module's commands and fills the keyspace.
func (z *fuzzing) prepare() {
	z.t.Helper()
	z.clients = [2]*Client{z.s.Client(), z.s.Client3()}
	modules := z.s.admin.Do("MODULE", "LIST").Elems()
	name := modules[len(modules)-1].Elems()[1].Text()
	for _, c := range z.s.admin.Do("COMMAND", "LIST", "FILTERBY", "MODULE", name).Elems() {
		info := z.s.admin.Do("COMMAND", "INFO", c.Text()).Elems()[0].Elems()
		z.commands = append(z.commands, fuzzCommand{
			words: strings.Split(c.Text(), "|"), arity: int(info[1].Int()),
			first: int(info[3].Int()), last: int(info[4].Int()), step: int(info[5].Int()),
		})
		z.words = append(z.words, tokens(z.s.admin.Do("COMMAND", "DOCS", c.Text()))...)
	}
	z.words = slices.Concat(fuzzWords, z.s.o.Words, z.words)
	if len(z.commands) == 0 {
		z.t.Fatal("plugintest: the module has no commands")
	}
	for _, k := range fuzzKeys {
		if len(k) > 1 {
			args := []any{k[1], k[0]}
			for _, word := range k[2:] {
				args = append(args, word)
			}
			z.s.Do(args...).Must()
		}
	}
}

// below takes a decision with n possible results from the program.
func (z *fuzzing) below(n int) int {
	if len(z.program) == 0 {
		return 0
	}
	b := int(z.program[0])
	z.program = z.program[1:]
	if n > 1<<8 && len(z.program) > 0 {
		b |= int(z.program[0]) << 8
		z.program = z.program[1:]
	}
	return b % n
}

func (z *fuzzing) key() string { return fuzzKeys[z.below(len(fuzzKeys))][0] }

func (z *fuzzing) word() string {
	if n := z.below(len(z.words) + 1); n < len(z.words) {
		return z.words[n]
	}
	return strings.Repeat(string(rune('a'+z.below(26))), 1<<z.below(12))
}

// tokens finds the tokens in the reply of COMMAND DOCS: what stands behind "token", at any depth.
func tokens(docs Reply) (list []string) {
	elems := docs.Elems()
	for i, e := range elems {
		if i > 0 && e.value.Kind == resp.KindBulk && string(elems[i-1].value.Str) == "token" {
			list = append(list, e.Text())
		}
		list = append(list, tokens(e)...)
	}
	return list
}

// step runs one command, or one transaction, and checks everything.
func (z *fuzzing) step() {
	z.t.Helper()
	z.steps++
	proto := z.below(2)
	switch z.below(16) {
	case 0:
		d := time.Duration(1+z.below(8)) * time.Second
		z.done = append(z.done, "Advance "+d.String())
		z.s.Advance(d)
	case 1:
		z.transaction(proto)
	case 2, 3, 4:
		z.run(proto, z.builtin())
	default:
		z.run(proto, z.command())
	}
	if !z.s.running() {
		z.t.Fatalf("the server has ended\n%s", z.s.tail())
	}
	z.clients[proto].Do("ECHO", z.steps).Want(fmt.Sprint(z.steps)) // anything else is a reply too many
	if !z.t.Failed() {
		z.s.ReplicaEquals()
	}
}

// command makes up a command of the module.
func (z *fuzzing) command() []any {
	c := z.commands[z.below(len(z.commands))]
	n := c.arity
	if n < 0 {
		n = -n + z.below(maxExtra)
	}
	if z.below(16) == 0 {
		n = max(1, n-1)
	}
	args := make([]any, len(c.words), max(n, len(c.words)))
	for i, word := range c.words {
		args[i] = word
	}
	for i := len(args); i < n; i++ {
		last := c.last
		if last < 0 {
			last += n
		}
		isKey := c.step > 0 && i >= c.first && i <= last && (i-c.first)%c.step == 0
		if isKey || z.below(6) == 0 {
			args = append(args, z.key())
		} else {
			args = append(args, z.word())
		}
	}
	return args
}

// builtin makes up a command of the daemon that changes what keys hold.
func (z *fuzzing) builtin() []any {
	var args []any
	for _, word := range fuzzBuiltins[z.below(len(fuzzBuiltins))] {
		switch word {
		case "<key>":
			word = z.key()
		case "<word>":
			word = z.word()
		case "<n>":
			word = fmt.Sprint(z.below(9))
		}
		args = append(args, word)
	}
	return args
}

// transaction runs two commands of the module as one unit.
func (z *fuzzing) transaction(proto int) {
	z.t.Helper()
	for _, args := range [][]any{{"MULTI"}, z.command(), z.command(), {"EXEC"}} {
		z.run(proto, args)
	}
}

// run executes a command on one of the connections. One that blocks is given up by closing its connection.
func (z *fuzzing) run(proto int, args []any) {
	z.t.Helper()
	c := z.clients[proto]
	c.Send(args...)
	z.done = append(z.done, c.sent[len(c.sent)-1])
	for deadline := time.Now().Add(replyTimeout); ; {
		_, err := c.tryRecv(settleTime)
		switch {
		case err == nil:
			return
		case !errors.Is(err, os.ErrDeadlineExceeded) || time.Now().After(deadline):
			z.t.Fatalf("%s: no reply: %v\n%s", c.sent[0], err, z.s.tail())
		case c.Blocked():
			c.Close()
			if z.clients[proto] = z.s.Client(); proto == 1 {
				z.clients[proto] = z.s.Client3()
			}
			return
		}
	}
}

// settleTime is how long a command may take before the harness looks whether it blocks.
const settleTime = 50 * time.Millisecond

func (z *fuzzing) recent() []string {
	if n := len(z.done); n > fuzzRecent {
		return append([]string{fmt.Sprintf("(%d more)", n-fuzzRecent)}, z.done[n-fuzzRecent:]...)
	}
	return z.done
}
