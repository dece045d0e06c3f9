package policy

import (
	"errors"
	"fmt"
	"strings"
)

// A verdict is what a comparison comes to.
type verdict uint8

const (
	no verdict = iota
	yes
	// bad is a comparison that cannot be made: a value of the request is not
	// of the operator's type. It keeps an Allow from applying, and no Deny.
	bad
)

func verdictOf(ok bool) verdict {
	if ok {
		return yes
	}
	return no
}

// A quantifier says how a condition takes keys with several values.
type quantifier uint8

const (
	plainly quantifier = iota
	forAll             // ForAllValues:
	forAny             // ForAnyValue:
)

// A condition is one key of one operator in a Condition element.
type condition struct {
	operator string // as written: ForAnyValue:StringLikeIfExists
	key      string // in lower case
	name     string // as written
	values   []string

	set      quantifier
	ifExists bool
	negated  bool
	null     bool // the Null operator
	absent   bool // for Null: whether the key has to be absent
	present  bool // for Null: whether it has to be there
	operand  operand
}

// An operand is the values that a policy compares a key with.
type operand interface {
	// match says whether a value of the request equals, or fits, or lies as
	// the operator says to, any of the policy's values.
	match(value string, ctx Context) verdict
	// refs are the variables in the values.
	refs() []reference
}

// holds says whether the condition is met.
func (c *condition) holds(ctx Context) verdict {
	var values []string
	if ctx != nil {
		values = ctx.Values(c.key)
	}
	if c.null {
		empty := isEmpty(values)
		return verdictOf(empty && c.absent || !empty && c.present)
	}
	if c.set != plainly && isEmpty(values) {
		return verdictOf(c.set == forAll || c.ifExists && len(values) == 0)
	}
	if len(values) == 0 {
		return verdictOf(c.ifExists || c.negated)
	}
	// Without a quantifier: one value that fits is enough, and for a negated
	// operator one that is excluded is too many.
	every := c.set == forAll || c.set == plainly && c.negated
	worst := no
	for _, v := range values {
		met := c.operand.match(v, ctx)
		if met != bad && c.negated {
			met = yes - met
		}
		switch {
		case met == bad:
			worst = bad
		case every && met == no:
			return no
		case !every && met == yes:
			return yes
		}
	}
	if worst == bad {
		return bad
	}
	return verdictOf(every)
}

// isEmpty says whether a key is absent, or has nothing but empty values, which
// the quantifiers and Null take for the same.
func isEmpty(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}

// A family is what the operators of one type have in common.
type family uint8

const (
	stringFamily family = iota
	numericFamily
	dateFamily
	boolFamily
	binaryFamily
	ipFamily
	arnFamily
	nullFamily
)

// An order is how numbers and dates are compared.
type order uint8

const (
	equal order = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

func (o order) holds(cmp int) bool {
	switch o {
	case less:
		return cmp < 0
	case lessOrEqual:
		return cmp <= 0
	case greater:
		return cmp > 0
	case greaterOrEqual:
		return cmp >= 0
	default:
		return cmp == 0
	}
}

// An operator is a condition operator without prefix and suffix.
type operator struct {
	family  family
	negated bool
	like    bool // * and ? are wildcards
	fold    bool // case does not matter
	order   order
}

// operators are all that IAM has.
var operators = map[string]operator{
	"StringEquals":              {family: stringFamily},
	"StringNotEquals":           {family: stringFamily, negated: true},
	"StringEqualsIgnoreCase":    {family: stringFamily, fold: true},
	"StringNotEqualsIgnoreCase": {family: stringFamily, fold: true, negated: true},
	"StringLike":                {family: stringFamily, like: true},
	"StringNotLike":             {family: stringFamily, like: true, negated: true},
	"NumericEquals":             {family: numericFamily},
	"NumericNotEquals":          {family: numericFamily, negated: true},
	"NumericLessThan":           {family: numericFamily, order: less},
	"NumericLessThanEquals":     {family: numericFamily, order: lessOrEqual},
	"NumericGreaterThan":        {family: numericFamily, order: greater},
	"NumericGreaterThanEquals":  {family: numericFamily, order: greaterOrEqual},
	"DateEquals":                {family: dateFamily},
	"DateNotEquals":             {family: dateFamily, negated: true},
	"DateLessThan":              {family: dateFamily, order: less},
	"DateLessThanEquals":        {family: dateFamily, order: lessOrEqual},
	"DateGreaterThan":           {family: dateFamily, order: greater},
	"DateGreaterThanEquals":     {family: dateFamily, order: greaterOrEqual},
	"Bool":                      {family: boolFamily},
	"BinaryEquals":              {family: binaryFamily},
	"IpAddress":                 {family: ipFamily},
	"NotIpAddress":              {family: ipFamily, negated: true},
	"ArnEquals":                 {family: arnFamily},
	"ArnLike":                   {family: arnFamily},
	"ArnNotEquals":              {family: arnFamily, negated: true},
	"ArnNotLike":                {family: arnFamily, negated: true},
	"Null":                      {family: nullFamily},
}

// newCondition compiles the comparisons of one key. Of an operator that does
// not exist the error is errOperator.
func newCondition(name, key string, values []string, variables bool) (condition, error) {
	c := condition{operator: name, key: strings.ToLower(key), name: key, values: values}
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		base, c.set = rest, forAll
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		base, c.set = rest, forAny
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	op, ok := operators[base]
	if !ok || op.family == nullFamily && base != name {
		return c, errOperator
	}
	c.negated = op.negated
	var err error
	switch op.family {
	case stringFamily:
		c.operand, err = newStrings(values, op, variables)
	case numericFamily:
		c.operand, err = newNumbers(values, op.order)
	case dateFamily:
		c.operand, err = newDates(values, op.order)
	case boolFamily:
		c.operand, err = newBools(values)
	case binaryFamily:
		c.operand, err = newBlobs(values)
	case ipFamily:
		c.operand, err = newNetworks(values)
	case arnFamily:
		c.operand, err = newARNs(values, variables)
	case nullFamily:
		c.null = true
		for _, v := range values {
			switch {
			case strings.EqualFold(v, "true"):
				c.absent = true
			case strings.EqualFold(v, "false"):
				c.present = true
			default:
				err = fmt.Errorf("%q is neither true nor false", shorten(v))
			}
		}
	}
	return c, err
}

// checkOperator says whether an operator exists.
func checkOperator(name string) error {
	_, err := newCondition(name, "", nil, false)
	return err
}

var errOperator = errors.New("there is no such condition operator")

// refs lists the variables of a condition's values.
func (c *condition) refs() []reference {
	if c.operand == nil {
		return nil
	}
	return c.operand.refs()
}
