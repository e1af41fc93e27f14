"""From a due tick to its final line: the alarm, the dispatch, the supervisor and the runners."""
