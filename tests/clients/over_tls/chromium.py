# SPDX-License-Identifier: Apache-2.0
"""chromium.py PAGE URL 1.2|1.3: reads URL from a page of the same server, and prints the answer's text as it comes.

Exit status 0 only if the answer is whole.
"""

import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

page, url, version = sys.argv[1:]
options = webdriver.ChromeOptions()
for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--ignore-certificate-errors",
                 f"--ssl-version-min=tls{version}", f"--ssl-version-max=tls{version}"):
    options.add_argument(argument)
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

READ = """
window.answer = {text: "", end: null};
import("./event-stream.js").then(async ({eventData}) => {
  for await (const data of eventData(await fetch(arguments[0]))) {
    if (data === "[DONE]") return "whole";
    window.answer.text += JSON.parse(data).content ?? "";
  }
  return "no end";
}).catch(String).then((end) => { window.answer.end = end; });
"""

try:
    driver.get(page)
    driver.execute_script(READ, url)
    printed = 0
    while True:
        answer = driver.execute_script("return window.answer")
        print(answer["text"][printed:], end="", flush=True)
        printed = len(answer["text"])
        if answer["end"]:
            break
        time.sleep(0.02)  # between two looks
    sys.exit(0 if answer["end"] == "whole" else f"the page has read: {answer['end']}")
finally:
    driver.quit()
