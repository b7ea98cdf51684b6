package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"datastore/server/command"
)

const (
	genPassBits    = 256  // of ACL GENPASS without an argument
	maxGenPassBits = 4096 // of ACL GENPASS
)

var errGenPass = command.Errorf("ERR ACL GENPASS argument must be the number of bits for the output password, a positive " +
	"number up to 4096")

func aclWhoAmI(c *command.Ctx) error {
	c.W.BulkString(c.Client.User)
	return nil
}

func aclUsers(c *command.Ctx) error {
	c.W.Array(1)
	c.W.BulkString(defaultUser)
	return nil
}

// passwordHash returns the hash of requirepass in hex as access control lists show it, "" without a password.
func (s *Server) passwordHash() string {
	if s.values.RequirePass == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s.values.RequirePass))
	return hex.EncodeToString(sum[:])
}

func (s *Server) aclList(c *command.Ctx) error {
	password := "nopass"
	if hash := s.passwordHash(); hash != "" {
		password = "#" + hash
	}
	c.W.Array(1)
	c.W.BulkString("user " + defaultUser + " on " + password + " ~* &* +@all")
	return nil
}

func (s *Server) aclGetUser(c *command.Ctx) error {
	w := &c.W
	if c.Arg(2) != defaultUser {
		w.Null()
		return nil
	}
	hash := s.passwordHash()
	w.Map(6)
	w.BulkString("flags")
	if hash == "" {
		w.Set(2)
		w.BulkString("on")
		w.BulkString("nopass")
	} else {
		w.Set(1)
		w.BulkString("on")
	}
	w.BulkString("passwords")
	if hash == "" {
		w.Array(0)
	} else {
		w.Array(1)
		w.BulkString(hash)
	}
	for _, rule := range [...][2]string{{"commands", "+@all"}, {"keys", "~*"}, {"channels", "&*"}} {
		w.BulkString(rule[0])
		w.BulkString(rule[1])
	}
	w.BulkString("selectors")
	w.Array(0)
	return nil
}

func (s *Server) aclCat(c *command.Ctx) error {
	switch len(c.Args) {
	case 2:
		names := command.CategoryNames()
		c.W.Array(len(names))
		for _, name := range names {
			c.W.BulkString(name)
		}
		return nil
	case 3:
		return s.aclCategory(c)
	}
	return command.Errorf("ERR unknown subcommand or wrong number of arguments for '" + command.Clip(c.Args[1], 128) +
		"'. Try ACL HELP.")
}

// aclCategory names the commands of a category.
func (s *Server) aclCategory(c *command.Ctx) error {
	known := false
	for _, name := range command.CategoryNames() {
		known = known || command.IsKeyword(c.Args[2], name)
	}
	mark, n := c.W.Deferred(), 0
	s.eachCommand(func(cmd *command.Command) {
		if inCategory(cmd, c.Args[2]) {
			c.W.BulkString(cmd.FullName())
			n++
		}
	})
	if n == 0 && !known {
		return command.Errorf("ERR Unknown category '" + command.Clip(c.Args[2], 128) + "'")
	}
	c.W.SetDeferredArray(mark, n)
	return nil
}

// aclGenPass answers random hex digits for the bits asked for.
func aclGenPass(c *command.Ctx) error {
	bits := int64(genPassBits)
	if len(c.Args) > 2 {
		var err error
		if bits, err = c.Int(2); err != nil {
			return err
		}
		if bits <= 0 || bits > maxGenPassBits {
			return errGenPass
		}
	}
	digits := int(bits+3) / 4
	raw := make([]byte, (digits+1)/2)
	_, _ = rand.Read(raw) // never fails
	c.W.BulkString(hex.EncodeToString(raw)[:digits])
	return nil
}
