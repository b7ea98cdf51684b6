package plugin

import (
	"context"
	"time"
)

// Blocking lets the client of a command wait for its reply while others are served.
//
// A client that is blocked executes nothing. It gets its reply from BlockOptions.Reply, which runs as a callback, or from
// BlockedClient.Reply, which any goroutine may call:
//
//	func slow(ctx plugin.Ctx, args []plugin.String) error {
//		bc, err := ctx.Block(plugin.BlockOptions{})
//		if err != nil {
//			return err
//		}
//		url := args[1].String() // args are gone when the handler has returned
//		return ctx.Go(func(*plugin.Background) {
//			text, err := fetch(bc.Context(), url)
//			bc.Reply(func(r plugin.Replies) error {
//				if err != nil {
//					return err
//				}
//				return r.ReplyText(text)
//			})
//			bc.Unblock(nil)
//		})
//	}
//
// Rules BLK-1, BLK-3, BLK-6 to BLK-8, BLK-10.
type Blocking interface {
	// Block blocks the client of the running command, from the return of the handler on. The handler must return nil and
	// must not reply. When it returns an error, panics or has replied, the client is not blocked, its reply is what it
	// would be otherwise, and the handle is stale.
	//
	// A client that cannot wait gets an error reply at once: in a transaction, when the command was called by another one,
	// comes from the replication link or the append-only file, or when Block is called in a reply or timeout callback,
	// a second time in one command, or with a negative Timeout. Block then returns ErrBlockDenied and a handle all the
	// same. A handler that returns the error is done. One that goes on has to call Unblock or Abort on the handle as
	// usual; of the callbacks only Free runs.
	//
	// Other errors, with a nil handle: ErrInvalid for a Timeout without OnTimeout; ErrNoClient outside a command.
	Block(o BlockOptions) (*BlockedClient, error)

	// BlockOnKeys is Block until a key is ready, in the database that is selected now. A key becomes ready when it comes
	// into being with a value of any type, when a value of another type replaces the one it had, and by
	// SignalKeyAsReady if it exists. Clients that wait for one key are tried in the order in which they blocked.
	//
	// To try is to call o.Reply, with BlockedReadyKey telling the key: ErrNotServed leaves the client blocked; any other
	// result is the reply and ends the wait. Nobody tries when BlockOnKeys is called: look at the keys first. A key that
	// has a value already, but not the one to wait for, is tried again on SignalKeyAsReady only.
	//
	// The host ends the handle when the client is served, has timed out or is gone. Unblock ends the wait early, as if
	// its time had run out, and fails with ErrInvalid without OnTimeout.
	//
	// Errors as of Block, and ErrInvalid without a key or without Reply.
	BlockOnKeys(o BlockOptions, flags BlockFlags, keys ...String) (*BlockedClient, error)

	// SignalKeyAsReady has every client tried that BlockOnKeys has blocked on the key in the selected database, by any
	// module, once the running unit has ended.
	SignalKeyAsReady(name String)

	// IsBlockedReply tells whether this callback is BlockOptions.Reply.
	IsBlockedReply() bool

	// IsBlockedTimeout tells whether this callback is BlockOptions.OnTimeout.
	IsBlockedTimeout() bool

	// BlockedClient returns the handle in the callbacks of BlockOptions and in BlockedClient.Do; nil elsewhere.
	BlockedClient() *BlockedClient

	// BlockedPriv returns the private data where BlockedClient returns a handle; nil elsewhere.
	BlockedPriv() any

	// BlockedReadyKey returns the key that became ready, in BlockOptions.Reply of BlockOnKeys; a missing String elsewhere.
	BlockedReadyKey() String

	// BlockedDisconnected tells, in BlockOptions.Free, whether the client went away while it was blocked.
	BlockedDisconnected() bool
}

// BlockFlags are the flags of BlockOnKeys.
type BlockFlags uint8

// UnblockDeleted also tries the client when a key that had a value loses it: DEL, FLUSHALL, SWAPDB, expiry, or a value of
// another type in its place.
const UnblockDeleted BlockFlags = 1 << 0

// BlockOptions are the callbacks of a blocked client; all of them may be nil. Each runs under the execution lock as a unit of
// its own, whose effects are replicated as those of a command. A panic in Reply or OnTimeout becomes the client's reply.
//
// Rules BLK-3, BLK-4, BLK-6.
type BlockOptions struct {
	// Reply answers the client after Unblock, or when a key is ready. args are those of the command. It may be the
	// handler itself, see Blocking.IsBlockedReply.
	Reply Handler

	// OnTimeout answers the client when its time has run out and on CLIENT UNBLOCK id TIMEOUT. Without it CLIENT UNBLOCK
	// has no effect. A handle of Block is still to be ended with Unblock, which calls Reply no more.
	OnTimeout Handler

	// Timeout bounds the wait, rounded up to whole milliseconds; 0 is no bound.
	Timeout time.Duration

	// Disconnect is told that the connection was closed before Unblock. It has no client to reply to. A handle of Block
	// is still to be ended with Unblock, here or later.
	Disconnect func(ctx Ctx, bc *BlockedClient)

	// Free runs last, exactly once for every handle, however the wait has ended, with the private data. It has no client.
	Free func(ctx Ctx, priv any)

	// Priv is the private data, unless Unblock gives other.
	Priv any
}

// BlockedImpl is the host's side of BlockedClient.
type BlockedImpl interface {
	Unblock(priv any) error
	Abort() error
	Reply(f func(r Replies) error) error
	Do(f func(ctx Ctx) error) error
	MeasureStart() error
	MeasureEnd() error
	Context() context.Context
}

// BlockedClient is the handle of a client that Block or BlockOnKeys has blocked. Its methods may be called from any
// goroutine. It is stale after Unblock or Abort. A nil handle is a stale one. The field is the host's.
//
// A module with handles that are not stale cannot be unloaded.
//
// Rules BLK-2, BLK-5, BLK-9, REP-10.
type BlockedClient struct {
	Impl BlockedImpl
}

// Unblock lets the client go on. It returns at once; soon after BlockOptions.Reply is called, unless the client has timed
// out or is gone, and Free. If Reply is nil, or wrote nothing and returned nil, the client gets what BlockedClient.Reply or
// Do have written, and an error that says so if that is nothing. priv becomes the private data unless it is nil.
//
// It is to be called exactly once for each handle of Block. A second time, and after Abort, it fails with ErrStale and has
// no effect. For handles of BlockOnKeys see there.
func (bc *BlockedClient) Unblock(priv any) error {
	if bc == nil {
		return ErrStale
	}
	return bc.Impl.Unblock(priv)
}

// Abort ends the handle without any callback but Free. A handler that aborts what it has blocked replies itself, before
// or after. A client that is waiting already gets what BlockedClient.Reply or Do have written, or an error.
// It fails with ErrStale as Unblock does.
func (bc *BlockedClient) Abort() error {
	if bc == nil {
		return ErrStale
	}
	return bc.Impl.Abort()
}

// Reply writes the client's reply without the execution lock: f runs on the calling goroutine and writes one reply with r,
// which is dead when f has returned. An error of f becomes the reply, as that of a handler does. The client gets it
// with Unblock or Abort. Only the first reply counts.
//
// Errors: ErrStale when the handle is stale; ErrReplyShape when there is a reply already; ErrNoClient when the client is
// not blocked or no longer; ErrPanic when f panicked.
func (bc *BlockedClient) Reply(f func(r Replies) error) error {
	if bc == nil {
		return ErrStale
	}
	return bc.Impl.Reply(f)
}

// Do is Background.Do in the name of the client: the database is the client's, and the reply that f writes, if any, is kept
// as that of BlockedClient.Reply is. An error that f returns is returned and not replied.
//
// Errors: those of f; ErrStale; ErrLocked; ErrStopped; ErrPanic.
func (bc *BlockedClient) Do(f func(ctx Ctx) error) error {
	if bc == nil {
		return ErrStale
	}
	return bc.Impl.Do(f)
}

// MeasureStart begins to count time as spent on the client's command, for its statistics and its latency. What is counted
// becomes visible when the client is unblocked. It fails with ErrStale.
func (bc *BlockedClient) MeasureStart() error {
	if bc == nil {
		return ErrStale
	}
	return bc.Impl.MeasureStart()
}

// MeasureEnd ends what MeasureStart has begun; the times of several pairs add up. It fails with ErrInvalid without
// MeasureStart before, and with ErrStale.
func (bc *BlockedClient) MeasureEnd() error {
	if bc == nil {
		return ErrStale
	}
	return bc.Impl.MeasureEnd()
}

// Context returns a context that ends when nobody waits for the reply any more, because the client was served, has timed
// out or is gone, and when the module is being unloaded.
func (bc *BlockedClient) Context() context.Context {
	if bc == nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return ctx
	}
	return bc.Impl.Context()
}
