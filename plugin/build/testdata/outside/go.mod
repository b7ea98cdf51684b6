module example.com/outside/v2

go 1.24

require (
	datastore v0.0.0
	github.com/tidwall/resp v0.1.1
	golang.org/x/sys v0.99.0 // newer than there is: a build takes the daemon's version
)

replace datastore => ../nowhere
