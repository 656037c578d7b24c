# title: Schedule
# description: Act on the last session of each month
# prefix: alschedule
# context: on_bar
if self.every("month_end"):
    self.order_target_percent(0.6)
