// Package client is the command line client: it sends commands to a server and
// prints the replies as redis-cli does. It owns the connection, the session
// (database, transaction, subscription) that the prompt shows, and the output
// formats. It refuses line editing, RESP3, cluster redirections and anything
// else that asks for more than one connection.
package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"datastore/server/resp"
)

// ErrFailed is returned when a command was answered with an error or could not
// be sent. The user has been told already; only the exit code is left to set.
var ErrFailed = errors.New("command failed")

// maxLineBytes bounds one line of input; a value that long belongs in a program.
const maxLineBytes = 512 << 20

// Options of a client.
type Options struct {
	Host     string
	Port     int
	Socket   string // path of a Unix socket; Host and Port do not count then
	User     string // for AUTH, may be empty
	Password string // for AUTH, empty means no AUTH
	DB       int

	Formatted bool // print types and quotes, rather than the bare values
	Prompt    bool // a person types the commands: prompt for them

	In       io.Reader
	Out, Err io.Writer
}

// Client runs commands one after the other.
type Client struct {
	opts Options
	conn *conn // nil while not connected
	db   int   // database selected on conn
	tx   bool  // conn is inside MULTI
	fail bool  // something was answered with an error
}

// New returns a client that is not connected yet.
func New(opts Options) *Client {
	return &Client{opts: opts, db: opts.DB}
}

// Close ends the connection.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
}

// Run executes one command and prints its reply. It returns ErrFailed if the
// reply is an error or there is none.
func (c *Client) Run(args []string) error {
	c.execute(args)
	return c.verdict()
}

// RunLines executes the commands of In, one on a line, until its end or a line
// "quit" or "exit". Without Prompt it returns ErrFailed if any of them failed.
func (c *Client) RunLines() error {
	if c.opts.Prompt {
		c.connect()
	}
	lines := bufio.NewScanner(c.opts.In)
	lines.Buffer(nil, maxLineBytes)
	for c.prompt(); lines.Scan(); c.prompt() {
		words, ok := resp.SplitArgs(lines.Bytes(), nil)
		if !ok {
			fmt.Fprintln(c.opts.Out, "Invalid argument(s)")
			c.fail = true
			continue
		}
		if len(words) == 0 {
			continue
		}
		args := make([]string, len(words))
		for i, word := range words {
			args[i] = string(word)
		}
		if name := strings.ToLower(args[0]); name == "quit" || name == "exit" {
			return c.verdict()
		}
		c.execute(args)
	}
	if c.opts.Prompt {
		fmt.Fprintln(c.opts.Out)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read commands: %w", err)
	}
	return c.verdict()
}

// verdict is the error that the session ends with: a person at the prompt has
// seen the failures and gets none.
func (c *Client) verdict() error {
	if c.fail && !c.opts.Prompt {
		return ErrFailed
	}
	return nil
}

func (c *Client) prompt() {
	if !c.opts.Prompt {
		return
	}
	text := "not connected"
	if c.conn != nil {
		text = c.opts.address()
		if c.opts.Socket != "" {
			text = "datastore " + c.opts.Socket
		}
		if c.db != 0 {
			text += "[" + strconv.Itoa(c.db) + "]"
		}
		if c.tx {
			text += "(TX)"
		}
	}
	fmt.Fprint(c.opts.Out, text, "> ")
}

// connect opens the connection unless there is a live one, and tells the user
// if that fails. The database survives a broken connection, a transaction does
// not.
func (c *Client) connect() bool {
	if c.conn != nil && !c.conn.closedByPeer() {
		return true
	}
	c.Close()
	c.tx = false
	conn, err := dial(&c.opts)
	if err != nil {
		fmt.Fprintf(c.opts.Err, "Could not connect to datastore at %s: %v\n", c.opts.address(), reason(err))
		c.fail = true
		return false
	}
	c.conn = conn
	c.login()
	return c.conn != nil
}

// login authenticates and selects the database. If that is refused the session
// goes on, as commands that need neither may still work.
func (c *Client) login() {
	if c.opts.Password != "" {
		auth := []string{"AUTH"}
		if c.opts.User != "" {
			auth = append(auth, c.opts.User)
		}
		c.greet("AUTH failed", append(auth, c.opts.Password))
	}
	if c.conn != nil && c.db != 0 && !c.greet("SELECT "+strconv.Itoa(c.db)+" failed", []string{"SELECT", strconv.Itoa(c.db)}) {
		c.db = 0
	}
}

// greet runs a command that the user has not typed and reports an error reply.
func (c *Client) greet(failure string, args []string) bool {
	reply, err := c.conn.do(args)
	if err != nil {
		c.lost(err)
		return false
	}
	if isError(reply) {
		fmt.Fprintf(c.opts.Err, "%s: %s\n", failure, reply.String())
		c.fail = true
		return false
	}
	return true
}

// execute sends one command and prints what comes back. A command whose reply
// is lost is not sent again: the server may have executed it.
func (c *Client) execute(args []string) {
	if len(args) > 1 && strings.EqualFold(args[0], "hello") && args[1] != "2" {
		fmt.Fprintln(c.opts.Err, "Error: this client speaks RESP2 only")
		c.fail = true
		return
	}
	if !c.connect() {
		return
	}
	reply, err := c.conn.do(args)
	if errors.Is(err, io.EOF) && strings.EqualFold(args[0], "shutdown") { // no reply is success
		c.Close()
		c.tx = false
		return
	}
	if err != nil {
		c.lost(err)
		return
	}
	c.print(reply)
	if isError(reply) {
		c.fail = true
		if strings.EqualFold(args[0], "exec") {
			c.tx = false
		}
		return
	}
	switch strings.ToLower(args[0]) {
	case "select":
		if db, err := strconv.Atoi(args[len(args)-1]); err == nil && !c.tx {
			c.db = db
		}
	case "multi":
		c.tx = true
	case "exec", "discard":
		c.tx = false
	case "reset":
		c.tx, c.db = false, 0
	case "subscribe", "psubscribe", "ssubscribe", "monitor":
		c.follow()
	}
}

// follow prints what the server sends on its own until the connection ends.
func (c *Client) follow() {
	if c.opts.Formatted {
		fmt.Fprintln(c.opts.Out, "Reading messages... (press Ctrl-C to quit)")
	}
	for {
		reply, err := c.conn.read()
		if err != nil {
			c.lost(err)
			return
		}
		c.print(reply)
	}
}

// lost drops a connection that failed.
func (c *Client) lost(err error) {
	c.Close()
	c.tx = false
	c.fail = true
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		fmt.Fprintln(c.opts.Err, "Error: Server closed the connection")
		return
	}
	fmt.Fprintf(c.opts.Err, "Error: %v\n", reason(err))
}
