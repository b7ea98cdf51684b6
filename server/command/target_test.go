package command

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"datastore/server/resp"
)

// modelled is an effect as it is expected to arrive.
type modelled struct {
	target Target
	db     int
	word   string
}

// stream replays what one reader gets: it follows SELECT over the units and checks that each unit is wrapped if it has to be.
type stream struct {
	t  *testing.T
	db int
}

func (s *stream) read(unit []byte) (got []string) {
	s.t.Helper()
	commands, wrapped := 0, false
	for rest := unit; len(rest) > 0; {
		v, n, err := resp.Decode(rest)
		if err != nil {
			s.t.Fatalf("%v in %q", err, unit)
		}
		rest = rest[n:]
		switch word := string(v.Elems[0].Str); word {
		case "MULTI", "EXEC":
			wrapped = true
		case "SELECT":
			_, err = fmt.Sscan(string(v.Elems[1].Str), &s.db)
		default:
			commands++
			got = append(got, fmt.Sprint(s.db, " ", word))
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if wrapped != (commands > 1) || unit != nil && commands == 0 {
		s.t.Errorf("a unit of %d commands: %q", commands, unit)
	}
	return got
}

// collected fills a collection at random, also from other ones, and returns what is in it.
func collected(random *rand.Rand, e *Effects, depth int, next *int) (model []modelled) {
	for range random.IntN(5) {
		target := Target(random.IntN(int(ToAll) + 1))
		if random.IntN(2) == 0 {
			target = ToAll
		}
		if depth > 0 && random.IntN(3) == 0 {
			inner := &Effects{}
			inner.Adopt(e)
			part := collected(random, inner, depth-1, next)
			if target == ToAll && random.IntN(2) == 0 {
				e.Append(inner)
			} else {
				e.AppendFor(target, inner)
			}
			for _, m := range part {
				m.target &= target
				model = append(model, m)
			}
			continue
		}
		*next++
		m := modelled{target, random.IntN(3), fmt.Sprint("W", *next)}
		if target == ToAll && random.IntN(2) == 0 {
			e.Add(m.db, []byte(m.word))
		} else {
			e.AddFor(target, m.db, []byte(m.word))
		}
		model = append(model, m)
	}
	return model
}

// TestTargets compares what the AOF and the replicas get of random units with a list: the same effects in the same order, in
// the right databases, each unit wrapped by itself, whatever the other one gets.
func TestTargets(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		e := &Effects{}
		e.Listen(true)
		e.Forget()
		aof, replicas, next := &stream{t, -1}, &stream{t, -1}, 0
		for range 6 {
			var want [2][]string
			for _, m := range collected(random, e, 3, &next) {
				for i, target := range []Target{ToAOF, ToReplicas} {
					if m.target&target != 0 {
						want[i] = append(want[i], fmt.Sprint(m.db, " ", m.word))
					}
				}
			}
			logged, streamed := e.Split()
			for i, got := range [][]string{aof.read(logged), replicas.read(streamed)} {
				if strings.Join(got, ",") != strings.Join(want[i], ",") {
					t.Fatalf("reader %d got %q, want %q", i, got, want[i])
				}
			}
			if e.Count() != 0 {
				t.Fatalf("%d effects are left", e.Count())
			}
		}
	}
}

// TestTargetsDiverted: an effect for a target goes where others do.
func TestTargetsDiverted(t *testing.T) {
	e, other := &Effects{}, &Effects{}
	e.Listen(true)
	e.Forget()
	other.Adopt(e)
	e.Divert(other)
	e.AddFor(ToAOF, 0, []byte("FILE"))
	e.Divert(nil)
	if e.Count() != 0 || other.Count() != 1 {
		t.Errorf("%d and %d effects", e.Count(), other.Count())
	}
	e.Append(other)
	if logged, streamed := e.Split(); !strings.Contains(string(logged), "FILE") || streamed != nil {
		t.Errorf("%q, %q", logged, streamed)
	}
}
