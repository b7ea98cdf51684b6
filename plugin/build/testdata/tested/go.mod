module example.com/tested

go 1.24

require datastore v0.0.0

replace datastore => ../nowhere
