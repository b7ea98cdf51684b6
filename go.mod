module datastore

go 1.26

require (
	github.com/redis/go-redis/v9 v9.17.0
	github.com/spf13/cobra v1.10.2
	github.com/tidwall/resp v0.1.1
	go.uber.org/zap v1.27.1
	golang.org/x/sys v0.41.0
	pgregory.net/rapid v1.2.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	go.uber.org/multierr v1.10.0 // indirect
)
