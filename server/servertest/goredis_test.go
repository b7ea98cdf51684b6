package servertest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestGoRedis drives the daemon with a client of the field, in both protocols: login, names, pipelines, transactions.
func TestGoRedis(t *testing.T) {
	s := Start(t, "--requirepass", "secret")
	for _, proto := range []int{2, 3} {
		ctx, cancel := context.WithTimeout(context.Background(), replyTimeout)
		defer cancel()
		c := redis.NewClient(&redis.Options{Addr: s.Addr, Password: "secret", ClientName: "tester", Protocol: proto})
		defer func() { _ = c.Close() }()
		if err := c.Set(ctx, "k", "v", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		if name, err := c.ClientGetName(ctx).Result(); err != nil || name != "tester" {
			t.Errorf("name %q, %v", name, err)
		}
		if list, err := c.ClientList(ctx).Result(); err != nil || !strings.Contains(list, "lib-name=go-redis") {
			t.Errorf("client list %q, %v", list, err)
		}
		if m, err := c.ConfigGet(ctx, "maxmemory*").Result(); err != nil || m["maxmemory"] != "0" {
			t.Errorf("config %v, %v", m, err)
		}
		if cmds, err := c.Command(ctx).Result(); err != nil || cmds["get"] == nil || cmds["get"].FirstKeyPos != 1 {
			t.Errorf("COMMAND: %v", err)
		}
		pipelineAndTransaction(ctx, t, c)
	}
	wrong := redis.NewClient(&redis.Options{Addr: s.Addr, Password: "wrong", MaxRetries: -1})
	defer func() { _ = wrong.Close() }()
	if err := wrong.Ping(context.Background()).Err(); err == nil || !strings.HasPrefix(err.Error(), "WRONGPASS") {
		t.Errorf("wrong password: %v", err)
	}
	if strings.Contains(s.Log(), "wrong") || strings.Contains(s.Log(), "secret") {
		t.Errorf("the log shows a password:\n%s", s.Log())
	}
}

func pipelineAndTransaction(ctx context.Context, t *testing.T, c *redis.Client) {
	t.Helper()
	const n = 500
	if err := c.Del(ctx, "n").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for range n {
			p.Incr(ctx, "n")
		}
		return nil
	}); err != nil {
		t.Errorf("pipeline: %v", err)
	}
	if got, err := c.Get(ctx, "n").Int(); err != nil || got != n {
		t.Errorf("n is %d, %v", got, err)
	}
	err := c.Watch(ctx, func(tx *redis.Tx) error {
		if err := c.Incr(ctx, "n").Err(); err != nil { // from another connection
			return err
		}
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "n", 0, 0).Err() })
		return err
	}, "n")
	if !errors.Is(err, redis.TxFailedErr) {
		t.Errorf("transaction over a changed key: %v", err)
	}
	if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, "h", "f", "v")
		return p.HGetAll(ctx, "h").Err()
	}); err != nil {
		t.Errorf("transaction: %v", err)
	}
}
