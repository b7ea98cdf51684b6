package main_test

import (
	"strings"
	"testing"
	"time"

	"datastore/server/servertest"
)

func TestCollectsWhileItIsTold(t *testing.T) {
	s := servertest.Start(t, "--loadmodule", servertest.BuildModule(t, "scripts/benchcompare/gcforce"))
	c := s.Dial()
	for _, tt := range [][2]string{
		{"GCFORCE.EVERY 0", "(integer) 0"},
		{"GCFORCE.EVERY -1", "(error) ERR invalid period"},
		{"GCFORCE.EVERY soon", "(error) ERR invalid period"},
		{"GCFORCE.EVERY 5", "(integer) 0"},
	} {
		if got := c.Do(strings.Fields(tt[0])...).String(); got != tt[1] {
			t.Errorf("%s: %s, want %s", tt[0], got, tt[1])
		}
	}
	time.Sleep(300 * time.Millisecond)
	if n := c.Must("GCFORCE.EVERY", "60000").Int; n < 3 || n > 61 {
		t.Errorf("%d collections in 300 ms, one each 5 ms", n)
	}
	if n := c.Must("GCFORCE.EVERY", "0").Int; n > 1 {
		t.Errorf("%d collections, one each minute", n)
	}
	if got := c.Do("GCFORCE.EVERY", "0").String(); got != "(integer) 0" {
		t.Errorf("after the end: %s", got)
	}
}
