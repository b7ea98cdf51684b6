package host

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"datastore/plugin"
	"datastore/server/resp"
)

// randomReply writes a reply with parts of every kind, some of them with attributes, and closes what it opens.
func randomReply(random *rand.Rand, ctx plugin.Ctx, depth int) (errs []error) {
	if random.IntN(6) == 0 {
		if err := ctx.ReplyAttribute(1); err == nil {
			errs = append(errs, ctx.ReplyText("about"))
			errs = append(errs, randomReply(random, ctx, 0)...)
		}
	}
	kinds := 9
	if depth > 0 {
		kinds = 14
	}
	n := random.IntN(4)
	length := n
	if random.IntN(2) == 0 {
		length = plugin.Postponed
	}
	collection := func(open, set func(int) error, width int) {
		errs = append(errs, open(length))
		for range n * width {
			errs = append(errs, randomReply(random, ctx, depth-1)...)
		}
		if length == plugin.Postponed {
			errs = append(errs, set(n))
		}
	}
	text := strings.Repeat("\r\n*", random.IntN(20))
	switch random.IntN(kinds) {
	case 0:
		return append(errs, ctx.ReplyInt(random.Int64()))
	case 1:
		return append(errs, ctx.ReplyStatus(text))
	case 2:
		return append(errs, ctx.ReplyError("CODE "+text))
	case 3:
		return append(errs, ctx.ReplyText(text))
	case 4:
		return append(errs, ctx.ReplyNull())
	case 5:
		return append(errs, ctx.ReplyBool(random.IntN(2) == 0))
	case 6:
		return append(errs, ctx.ReplyFloat(random.NormFloat64()))
	case 7:
		return append(errs, ctx.ReplyBigNumber(fmt.Sprintf("%d%d", random.Int64(), random.Uint64())))
	case 8:
		return append(errs, ctx.ReplyVerbatim([]byte(text), "txt"))
	case 9, 10:
		collection(ctx.ReplyArray, ctx.SetArrayLen, 1)
	case 11, 12:
		collection(ctx.ReplyMap, ctx.SetMapLen, 2)
	case 13:
		collection(ctx.ReplySet, ctx.SetSetLen, 1)
	}
	return errs
}

// sameReply compares what Call has made of a reply with what a client makes of it.
func sameReply(t *testing.T, r *plugin.Reply, v *resp.Value) {
	t.Helper()
	kinds := map[resp.Kind]plugin.ReplyType{
		resp.KindStatus: plugin.StringReply, resp.KindBulk: plugin.StringReply, resp.KindError: plugin.ErrorReply,
		resp.KindInt: plugin.IntegerReply, resp.KindArray: plugin.ArrayReply, resp.KindNull: plugin.NullReply,
		resp.KindBool: plugin.BoolReply, resp.KindDouble: plugin.DoubleReply, resp.KindBigNumber: plugin.BigNumberReply,
		resp.KindVerbatim: plugin.VerbatimReply, resp.KindMap: plugin.MapReply, resp.KindSet: plugin.SetReply,
	}
	if r.Type() != kinds[v.Kind] {
		t.Fatalf("type %d of %q", r.Type(), r.Proto())
	}
	text := r.Bytes()
	switch r.Type() {
	case plugin.BigNumberReply:
		text = r.BigNumber()
	case plugin.VerbatimReply:
		text, _ = r.Verbatim()
	case plugin.IntegerReply:
		if r.Int() != v.Int {
			t.Fatalf("%d of %q", r.Int(), r.Proto())
		}
		return
	case plugin.BoolReply:
		if b, ok := r.Bool(); !ok || b != (v.Int == 1) {
			t.Fatalf("%v of %q", b, r.Proto())
		}
		return
	case plugin.DoubleReply:
		if f, ok := v.Float(); !ok || r.Float() != f {
			t.Fatalf("%v of %q", r.Float(), r.Proto())
		}
		return
	}
	if string(text) != string(v.Str) || len(r.Elems) != len(v.Elems) {
		t.Fatalf("%q, %d elements of %q", text, len(r.Elems), r.Proto())
	}
	wire := ""
	for i := range r.Elems {
		sameReply(t, &r.Elems[i], &v.Elems[i])
		wire += string(r.Elems[i].Proto())
	}
	if len(r.Elems) > 0 && !strings.HasSuffix(string(r.Proto()), wire) {
		t.Fatalf("the elements of %q have %q", r.Proto(), wire)
	}
}

// TestRandomReplies: what any sequence of replies becomes is one reply in both protocols, and Call reads the same in it as a
// client does.
//
// Rules: REP-5, CALL-7, CALL-8.
func TestRandomReplies(t *testing.T) {
	seed := uint64(0)
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{
		"gen": func(ctx plugin.Ctx, _ []plugin.String) error {
			for i, err := range randomReply(rand.New(rand.NewPCG(seed, 1)), ctx, 5) {
				if err != nil {
					t.Fatalf("seed %d: reply %d: %v", seed, i, err)
				}
			}
			return nil
		},
		"look": func(ctx plugin.Ctx, args []plugin.String) error {
			reply, err := ctx.Call("gen", "0")
			if err != nil {
				return err
			}
			v, n, err := resp.Decode(reply.Proto())
			if err != nil || n != len(reply.Proto()) {
				t.Fatalf("seed %d: %v behind %d bytes of %q", seed, err, n, reply.Proto())
			}
			sameReply(t, reply, &v)
			return ctx.ReplyReply(reply)
		},
	})
	for seed = range 3000 {
		for r.client.Proto = 2; r.client.Proto <= 3; r.client.Proto++ {
			if direct := r.do("gen"); direct != r.do("look") {
				t.Fatalf("seed %d: %q changes on its way through a call", seed, direct)
			}
		}
	}
	if i := r.h.Infos()[0]; i.Misuses != 0 {
		t.Errorf("%d misuses: %q", i.Misuses, r.log)
	}
}

// TestRandomMisuse: whatever a handler does with the methods of Replies, the client gets exactly one reply.
//
// Rules: REP-6, REP-7.
func TestRandomMisuse(t *testing.T) {
	seed := uint64(0)
	r := newRig(t, plugin.APIVer2, map[string]plugin.Handler{"t": func(ctx plugin.Ctx, _ []plugin.String) error {
		random := rand.New(rand.NewPCG(seed, 2))
		for range random.IntN(25) {
			n := random.IntN(5) - 1
			steps := [...]func() error{
				func() error { return ctx.ReplyInt(1) }, ctx.ReplyNull, func() error { return ctx.ReplyError("E") },
				func() error { return ctx.ReplyArray(n) }, func() error { return ctx.ReplyMap(n) }, func() error { return ctx.ReplySet(n) },
				func() error { return ctx.ReplyAttribute(n) }, func() error { return ctx.SetArrayLen(n) },
				func() error { return ctx.SetMapLen(n) }, func() error { return ctx.SetSetLen(n) }, func() error { return ctx.SetAttributeLen(n) },
			}
			_ = steps[random.IntN(len(steps))]() // what comes of it is the host's business
		}
		if random.IntN(10) == 0 {
			panic("enough")
		}
		return nil
	}})
	for seed = range 5000 {
		r.log = nil
		for r.client.Proto = 2; r.client.Proto <= 3; r.client.Proto++ {
			reply := r.do("t")
			if _, n, err := resp.Decode([]byte(reply)); err != nil || n != len(reply) {
				t.Fatalf("seed %d in RESP%d: %v behind %d bytes of %q", seed, r.client.Proto, err, n, reply)
			}
		}
	}
}
