package host

import (
	"datastore/plugin"
	"datastore/server/command"
)

// conditional are the modifiers under which the server may refuse a command that it would run otherwise.
const conditional = plugin.ScriptMode | plugin.RespectOOM | plugin.NoWrites

// refusal tells why a command cannot run: as the error of Call, and as the reply that a client would get. The order is that
// of Redis. Both are nil when it can run.
func (f *frame) refusal(cmd *command.Command, argv [][]byte, opt plugin.CallOpt) (reply *command.Error, err error) {
	switch {
	case opt&plugin.AsUser != 0 && (f.noClient || !f.client.Authed):
		return command.Errorf("ERR cannot run as user, no user directly attached to context or context's client"), plugin.ErrNoUser
	case cmd == nil:
		return f.host.server.Table().Unknown(argv), plugin.ErrCommandNotFound
	case !cmd.ArityOK(len(argv)) || cmd.Handler == nil:
		return command.ErrArity(cmd.FullName()), plugin.ErrArity
	case f.calls.longest > f.maxArgBytes():
		return command.ErrTooLong, plugin.ErrTooLarge
	case opt&conditional == 0:
		return nil, nil
	case opt&plugin.ScriptMode != 0 && cmd.Is(command.NoScript):
		return command.Errorf("ERR command '" + cmd.FullName() + "' is not allowed on script mode"), plugin.ErrScriptMode
	}
	if opt&plugin.RespectOOM != 0 && cmd.Is(command.DenyOOM) {
		if reply := f.host.server.OutOfMemory(); reply != nil {
			return reply, plugin.ErrNotAllowed
		}
	}
	if opt&plugin.NoWrites != 0 && cmd.Is(command.Write) {
		return command.Errorf("ERR Write command '" + cmd.FullName() + "' was called while write is not allowed."), plugin.ErrNotAllowed
	}
	if opt&plugin.ScriptMode != 0 {
		if reply := f.host.server.Unfit(f.client, cmd); reply != nil {
			return reply, plugin.ErrScriptMode
		}
	}
	return nil, nil
}

// maxArgBytes is the largest argument of a call: no client could send a larger one, and the keyspace could not store it.
func (f *frame) maxArgBytes() int { return max(maxStringBytes, f.cc.MaxBulkBytes) }

// errorReply makes a reply of an error that no command has written.
func (f *frame) errorReply(err *command.Error) *plugin.Reply {
	w := &f.cc.W
	start := len(w.Buf)
	w.Error(err.Text)
	r := f.calls.replies.parse(w.Buf[start:])
	w.Buf = w.Buf[:start]
	return r
}

// protoOf returns the protocol that a called command replies in.
func (f *frame) protoOf(opt plugin.CallOpt) int {
	if opt&plugin.RESP3 != 0 || opt&plugin.RESPAuto != 0 && f.client.Proto >= 3 {
		return 3
	}
	return 2
}
