SELECT today FROM state.calendar
