package admission

import "time"

// SetEpoch sets when the time of a controller begins, before it is used.
func (c *Controller) SetEpoch(at time.Time) { c.epoch = at }
