# title: Report
# description: Write the result as one HTML page
# prefix: alreport
# context: after_result
result.report("report.html")
