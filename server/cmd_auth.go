package server

import (
	"crypto/sha256"
	"crypto/subtle"

	"datastore/server/command"
)

// defaultUser is the only user: everybody is it, after the password when requirepass is set.
const defaultUser = "default"

// authLogEveryMs is the least distance of two log lines about failed logins: whoever guesses passwords does not fill the
// disk.
const authLogEveryMs = 1000

var (
	errNoPassword = command.Errorf("ERR AUTH <password> called without any password configured for the default user. " +
		"Are you sure your configuration is correct?")
	errWrongPass = command.Errorf("WRONGPASS invalid username-password pair or user is disabled.")
	errNoProto   = command.Errorf("NOPROTO unsupported protocol version")
	errProtoInt  = command.Errorf("ERR Protocol version is not an integer or out of range")
	errHelloAuth = command.Errorf("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
		"AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	errClientName = command.Errorf("ERR Client names cannot contain spaces, newlines or special characters.")
)

func (s *Server) auth(c *command.Ctx) error {
	switch {
	case len(c.Args) > 3:
		return command.ErrSyntax
	case len(c.Args) == 2 && s.values.RequirePass == "":
		return errNoPassword
	}
	user := []byte(defaultUser)
	if len(c.Args) == 3 {
		user = c.Args[1]
	}
	if err := s.login(c.Client, user, c.Args[len(c.Args)-1]); err != nil {
		return err
	}
	c.W.OK()
	return nil
}

// authSecret hides the user as well, which may be a password in the wrong place.
func authSecret(_ [][]byte, i int) bool { return i > 0 }

// login checks a password, in a time that does not depend on where it differs. Without requirepass any password is right.
func (s *Server) login(cl *command.Client, user, password []byte) error {
	want := s.values.RequirePass
	given, right := sha256.Sum256(password), sha256.Sum256([]byte(want))
	if string(user) != defaultUser || want != "" && subtle.ConstantTimeCompare(given[:], right[:]) != 1 {
		s.loginFailed(cl)
		return errWrongPass
	}
	cl.Authed, cl.User = true, defaultUser
	return nil
}

// loginFailed logs where the attempt came from; neither the password, nor the user, which may be a password in the wrong
// place.
func (s *Server) loginFailed(cl *command.Client) {
	a := &s.admin
	a.loginFailures++
	now := s.monoMs()
	if a.loginFailures > 1 && now-a.loginLoggedMs < authLogEveryMs {
		return
	}
	a.loginLoggedMs = now
	from := "an internal client"
	if o, ok := cl.Owner.(*conn); ok {
		from = o.addr
	}
	s.logf(Warning, "Failed login from %s (%d failed since the start)", from, a.loginFailures)
}

// hello answers HELLO [protover [AUTH user password] [SETNAME name]].
func (s *Server) hello(c *command.Ctx) error {
	proto := c.Client.Proto
	if len(c.Args) > 1 {
		n, err := c.Int(1)
		switch {
		case err != nil:
			return errProtoInt
		case n != 2 && n != 3:
			return errNoProto
		}
		proto = int(n)
	}
	name, named, err := s.helloOptions(c)
	if err != nil {
		return err
	}
	if !c.Client.Authed {
		return errHelloAuth
	}
	if named {
		c.Client.Name = string(name)
	}
	c.Client.Proto, c.W.Proto = proto, proto
	role := "master"
	if s.link != nil {
		role = "replica"
	}
	c.W.Map(7)
	c.W.BulkString("server")
	c.W.BulkString("redis")
	c.W.BulkString("version")
	c.W.BulkString(Version)
	c.W.BulkString("proto")
	c.W.Int(int64(proto))
	c.W.BulkString("id")
	c.W.Int(int64(c.Client.ID))
	c.W.BulkString("mode")
	c.W.BulkString("standalone")
	c.W.BulkString("role")
	c.W.BulkString(role)
	c.W.BulkString("modules")
	s.writeModules(&c.W)
	return nil
}

// helloOptions reads the options behind the version and logs the connection in; a name is only to be set when everything
// else is right.
func (s *Server) helloOptions(c *command.Ctx) (name []byte, named bool, err error) {
	var user, password []byte
	for i := 2; i < len(c.Args); i++ {
		left := len(c.Args) - 1 - i
		switch {
		case c.Is(i, "AUTH") && left >= 2:
			user, password = c.Args[i+1], c.Args[i+2]
			i += 2
		case c.Is(i, "SETNAME") && left >= 1:
			name, named = c.Args[i+1], true
			if !plainText(name) {
				return nil, false, errClientName
			}
			i++
		default:
			return nil, false, command.Errorf("ERR Syntax error in HELLO option '" + command.Clip(c.Args[i], 128) + "'")
		}
	}
	if user != nil {
		err = s.login(c.Client, user, password)
	}
	return name, named, err
}

// helloSecret hides what follows AUTH.
func helloSecret(args [][]byte, i int) bool {
	return i > 2 && command.IsKeyword(args[i-1], "AUTH") || i > 3 && command.IsKeyword(args[i-2], "AUTH")
}

// plainText reports whether a name fits into a word of CLIENT LIST: printable ASCII without space.
func plainText(name []byte) bool {
	for _, b := range name {
		if b < '!' || b > '~' {
			return false
		}
	}
	return true
}
