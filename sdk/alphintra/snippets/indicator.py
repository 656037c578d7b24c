# title: Indicator of your own
# description: Compute a series once from another; value i may use values up to i only
# prefix: alindicator
# context: on_start
def range_position(close, n):
    low, high = al.ta.MIN(close, n), al.ta.MAX(close, n)
    return (close - low) / (high - low)

self.position_in_range = self.indicator(range_position, self.data.close, 20, overlay=False)
