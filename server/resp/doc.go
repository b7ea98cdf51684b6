// Package resp is the wire codec: it turns the bytes of a client's socket into
// argument vectors, builds RESP2 and RESP3 replies, and reads replies that come
// back from another server or from a handler.
//
// It owns the grammar of the protocol, the number syntax that commands accept
// and the limits that keep memory proportional to the bytes that arrived. It
// does no I/O, knows no command and no client, and trusts no announced length.
//
// The grammar is the one of the Redis serialization protocol specification
// (https://redis.io/docs/latest/develop/reference/protocol-spec/); where that
// page is silent, the observed behaviour of redis-server 7.0.15 decides.
package resp
