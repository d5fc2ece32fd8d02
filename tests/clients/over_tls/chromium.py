# SPDX-License-Identifier: Apache-2.0
"""chromium.py URL 1.2|1.3: asks on the chat's page, and prints the answer as the page shows it.

Exit status 0 only if the page reports that the answer is whole.
"""

import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

url, version = sys.argv[1:]
options = webdriver.ChromeOptions()
for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--ignore-certificate-errors",
                 f"--ssl-version-min=tls{version}", f"--ssl-version-max=tls{version}"):
    options.add_argument(argument)
driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def shown(selector):
    """The text of the last such element of the page, empty if there is none."""
    return driver.execute_script("return [...document.querySelectorAll(arguments[0])].at(-1)?.textContent ?? ''", selector)


try:
    driver.get(url)
    driver.find_element("id", "prompt").send_keys("What happens to this request?")
    driver.find_element("id", "send").click()
    printed = 0
    while True:
        ended, broken = shown(".note"), shown(".alarm")
        text = shown("article:not(.user) .text")
        print(text[printed:], end="", flush=True)
        printed = len(text)
        if ended or broken:
            break
        time.sleep(0.02)  # between two looks
    sys.exit(f"the page shows: {broken}" if broken else 0)
finally:
    driver.quit()
