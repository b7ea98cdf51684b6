// Package archtest holds the rules of the architecture and of the house style that a machine can check, as tests:
// who may import whom (layers_test.go), what may stand in a file (source_test.go, vars_test.go), how long things may
// be (size_test.go) and what must be documented (docs_test.go). Each failure says why the rule exists.
//
// It judges what is in the tree and nothing else: it has no list of packages that must exist, only one that says where
// a package belongs once it does. A new package needs a line in the map of layers; that is the moment to think about it.
package archtest
