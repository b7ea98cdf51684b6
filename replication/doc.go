// Package replication owns both ends of a replication link: the stream of effects that a primary keeps for its replicas and
// sends behind a snapshot, and the client that follows a primary, receives a snapshot and cuts the stream into units.
//
// It refuses to know the dataset, the server and the commands: what arrives is handed to a Target, what is sent was encoded
// by others. Nothing of the stream is handed on before its unit is complete, so a link that breaks in the middle of a
// transaction leaves nothing of it behind.
//
// The protocol is PSYNC2 of Redis 7, as observed between redis-server 7.0.15 processes; FORMAT.md describes it.
package replication
