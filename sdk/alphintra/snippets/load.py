# title: Load data
# description: A dataset with its chart, and as a DataFrame
# prefix: alload
import alphintra as al

dataset = al.data.load("us-equities-daily/AAPL")
prices = dataset.to_pandas()
